#!/usr/bin/env bash
# What two choices cost, each by a pair of short runs: examples/twins.sh DATA RUN [STEPS]
#
# Three runs from the ImageNet weights with the same seed, sets and steps. RUN/told is the recipe of the
# bundled model: half of its boxes are loose, and it is told how loose. RUN/exact differs in that alone: it
# sees exact boxes only, so told against exact on exact boxes is what being told costs. RUN/seen differs from
# RUN/told in that alone: it learns the masks of the VOC classes only, so the two on the other classes show
# the price of never having seen a class. DATA is laid out as for train_bundled.sh; a run that was stopped
# goes on. INIT=bundled starts from the bundled model in place of ImageNet's weights, at a lower rate; as
# that has learnt the masks of all classes, there is no RUN/seen then.
set -euo pipefail
data=$1 run=$2 steps=${3:-800}

sets=()
for name in coco coco_more person person2 voc; do
    sets+=("$data/$name/instances_train.json" --images "$data/$name/images")
done

names=(told exact seen)
start=(--preset zoom --set model.backbone=efficientnet-lite0)
if [ -n "${INIT:-}" ]; then
    names=(told exact)
    start=(--preset zoom-tinyvit --init "$INIT" --set optimiser.lr=4e-4
        --set optimiser.freeze_halvings=2 --set optimiser.backbone_lr=0.4)
fi

train() {
    local out=$1
    shift
    local resume=()
    if [ -e "$out" ]; then
        resume=(--resume)
    fi
    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 -m boxmask train "${sets[@]}" \
        --val "$data/coco/instances_val.json" --val-images "$data/coco/images" \
        --set 'source_weights=[1,0.56,1.1,1.2,0.55]' --device cpu --threads 1 "${start[@]}" \
        --batch 16 --set optimiser.warm_up=60 --set optimiser.ema=0.99 --set validate_every=100000 \
        --set save_every=100 --seed 3 --steps "$steps" --out "$out" "$@" "${resume[@]}"
}

train "$run/told" --set augment.loose=0.5
train "$run/exact" --set augment.loose=0
if [ -z "${INIT:-}" ]; then
    train "$run/seen" --set augment.loose=0.5 --seen voc
fi

# The masks of told are kept, so that the others are compared with it mask by mask.
for loose in 0 0.1; do
    for name in "${names[@]}"; do
        echo "$name, boxes off by $loose"
        against=(--keep "$run/told-$loose.json")
        if [ "$name" != told ]; then
            against=(--against "$run/told-$loose.json")
        fi
        boxmask eval "$data/coco/instances_val.json" --images "$data/coco/images" --seen voc \
            --weights "$run/$name/last.safetensors" --loosen "$loose" "${against[@]}"
    done
done
