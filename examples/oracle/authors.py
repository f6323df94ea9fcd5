"""Build the authors' own networks with TensorFlow, fill them, save them, and note what they answer.

    TF_USE_LEGACY_KERAS=1 PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python \\
        python examples/oracle/authors.py OUT [CASE ...]

This runs in an environment of its own: tensorflow-cpu, tf-keras, tf-slim, tf-models-official and
tensorflow-io (both with --no-deps), what those then miss, and on PYTHONPATH the unpacked source
distribution of tf-models-research-object-detection. `compare.py OUT` then imports each file with
boxmask and compares.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from cases import DEEPMAC, DEEPMARC, images_of
from values import SIDE, boxes, image, value

CONFIG = """
center_net {{
  num_classes: 3
  feature_extractor {{
    type: "{backbone}" bgr_ordering: true
    channel_means: [104.01362025, 114.03422265, 119.9165958]
    channel_stds: [73.6027665, 69.89082075, 70.9150767]
  }}
  image_resizer {{ keep_aspect_ratio_resizer {{
    min_dimension: {side} max_dimension: {side} pad_to_max_dimension: true }} }}
  object_detection_task {{
    task_loss_weight: 1.0 offset_loss_weight: 1.0 scale_loss_weight: 0.1
    localization_loss {{ l1_localization_loss {{ }} }} }}
  object_center_params {{
    object_center_loss_weight: 1.0 min_box_overlap_iou: 0.7 max_box_predictions: 10
    classification_loss {{ penalty_reduced_logistic_focal_loss {{ alpha: 2.0 beta: 4.0 }} }} }}
  deepmac_mask_estimation {{
    dim: 32 task_loss_weight: 5.0 pixel_embedding_dim: 16 mask_size: 32 use_xy: true
    use_instance_embedding: true network_type: "{head}"
    classification_loss {{ weighted_sigmoid {{ }} }} }}
}}
"""


def fill(saved: Any, prefix: Path) -> None:
    """Give every variable of a checkpoint its numbers by its key, and write it."""
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    path = saved.write(str(prefix))
    graph = TrackableObjectGraph()
    graph.ParseFromString(tf.train.load_checkpoint(path).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    objects = tf.train.TrackableView(saved).descendants()
    for node, variable in zip(graph.nodes, objects, strict=True):
        if node.attributes and variable.dtype == tf.float32:
            variable.assign(value(node.attributes[0].checkpoint_key, tuple(variable.shape)))
    saved.write(str(prefix))


def deepmac(backbone: str, head: str, folder: Path) -> dict[str, Any]:
    """Build one Deep-MAC, save it, and return what it answers."""
    from google.protobuf import text_format
    from object_detection.builders import model_builder
    from object_detection.meta_architectures import center_net_meta_arch, deepmac_meta_arch
    from object_detection.protos import model_pb2

    # As in the code of the time of the paper; the later default is a kernel of one row.
    made = center_net_meta_arch.make_prediction_net
    center_net_meta_arch.make_prediction_net = lambda *given, **options: made(
        *given, **{"unit_height_conv": False, **options}
    )
    if head == "fully_connected":
        # Their meta architecture never says how large the mask is, without which this head fails.
        by_type = deepmac_meta_arch._get_deepmac_network_by_type
        deepmac_meta_arch._get_deepmac_network_by_type = lambda *given: by_type(*given[:2], 32)
    text = CONFIG.format(backbone=backbone, head=head, side=SIDE)
    model = model_builder.build(text_format.Parse(text, model_pb2.DetectionModel()), False)
    pixels, shapes = model.preprocess(tf.zeros([1, SIDE, SIDE, 3]))
    whole = tf.constant([[[0.0, 0.0, 1.0, 1.0]]])
    model.predict_masks_from_boxes(model.predict(pixels, shapes), shapes, whole)  # builds it
    center_net_meta_arch.make_prediction_net = made
    fill(tf.train.Checkpoint(model=model), folder / "ckpt-0")
    answers: dict[str, Any] = {}
    for name, (height, width) in images_of(folder.name).items():
        pixels, shapes = model.preprocess(tf.constant(image(height, width)[None], tf.float32))
        predicted = model.predict(pixels, shapes)
        x0, y0, x1, y1 = (boxes(height, width) / [width, height, width, height]).T
        given = tf.constant(np.stack([y0, x0, y1, x1], axis=-1)[None], tf.float32)
        tall, wide = (shapes[0, axis] / SIDE for axis in (0, 1))
        padded = given * tf.cast(tf.stack([tall, wide, tall, wide]), tf.float32)
        pixel, instance = (
            predicted[key][-1]
            for key in (deepmac_meta_arch.PIXEL_EMBEDDING, deepmac_meta_arch.INSTANCE_EMBEDDING)
        )
        vectors = model._get_instance_embeddings(padded, instance)[0]
        detected = model.postprocess(predicted, shapes)
        found = {
            "pixels": pixels[0],
            "features": model._feature_extractor(pixels)[-1][0],
            "crops": model._get_mask_head_input(padded, pixel)[0],
            "vectors": vectors,
            "found": detected["detection_boxes"][0],  # y0 x0 y1 x1, in fractions of the image
            "found_scores": detected["detection_scores"][0],
            "found_classes": detected["detection_classes"][0],
            "logits": model._predict_mask_logits_from_embeddings(pixel, instance, padded)[0],
            "probabilities": model.predict_masks_from_boxes(predicted, shapes, given)[
                "detection_masks"
            ][0],
        }
        answers |= {f"{name}.{key}": one.numpy() for key, one in found.items()}
    return answers


def deepmarc(backbone: str, head: str, folder: Path) -> dict[str, Any]:
    """Build one Deep-MARC, save it, and return what it answers."""
    from official.core import exp_factory
    from official.projects.deepmac_maskrcnn.serving import detection

    kind, size = backbone.split("-")
    name = "spinenet" if kind == "spinenet" else "resnetfpn"
    params = exp_factory.get_exp_config(f"deep_mask_head_rcnn_{name}_coco")
    settings: dict[str, Any] = {
        "input_size": [SIDE, SIDE, 3],
        "num_classes": 3,
        "backbone": {kind: {"model_id": int(size) if kind == "resnet" else size}},
        "mask_head": {
            "class_agnostic": True,
            "convnet_variant": head,
            "num_filters": 256 if head == "default" else 64,
        },
        "mask_roi_aligner": {"crop_size": 14 if head == "default" else 32},
        "use_gt_boxes_for_masks": True,
    }
    params.override({"task": {"model": settings}})
    module = detection.DetectionModule(params, batch_size=1, input_image_size=[SIDE, SIDE])
    module.model = model = module._build_model()
    shape = tf.constant([[SIDE, SIDE]], tf.float32)
    _ = model(tf.zeros([1, SIDE, SIDE, 3]), shape, anchor_boxes=None, training=False)
    step = tf.Variable(0, dtype=tf.int64)
    saved = tf.train.Checkpoint(model=model, global_step=step, **model.checkpoint_items)
    fill(saved, folder / "ckpt-0")
    answers: dict[str, Any] = {}
    for name, (height, width) in images_of(folder.name).items():
        pixels, _, info = module.preprocess(tf.constant(image(height, width)[None]))
        x0, y0, x1, y1 = (boxes(height, width) / [width, height, width, height]).T
        given = tf.constant(np.stack([y0, x0, y1, x1], axis=-1)[None], tf.float32)
        scaled = detection.reverse_input_box_transformation(given, info)
        _, features = model._get_backbone_and_decoder_features(pixels)
        crops = model.mask_roi_aligner(features, scaled)
        found = {
            "pixels": pixels[0],
            "crops": crops[0],
            "logits": model.mask_head([crops, tf.zeros(crops.shape[:2], tf.int32)])[0],
            "probabilities": model.call_images_and_boxes(pixels, scaled)["detection_masks"][0],
        }
        found |= {f"features{level}": one[0] for level, one in features.items()}
        answers |= {f"{name}.{key}": one.numpy() for key, one in found.items()}
    return answers


def main() -> None:
    """Write the cases asked for, or all."""
    out, wanted = Path(sys.argv[1]), sys.argv[2:]
    for cases, build in ((DEEPMAC, deepmac), (DEEPMARC, deepmarc)):
        for name, (backbone, head) in cases.items():
            folder = out / name
            if (wanted and name not in wanted) or (folder / "answers.npz").exists():
                continue
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(folder / "answers.npz", **build(backbone, head, folder))
            print(name, flush=True)
            tf.keras.backend.clear_session()


if __name__ == "__main__":
    main()
