#!/usr/bin/env bash
# Train the bundled model again: examples/train_bundled.sh DATA RUN [OPTIONS OF boxmask train]
#
# DATA holds a folder for each set, with instances_train.json and images/ in it; coco also has
# instances_val.json, which is only measured on. With --seen voc it is the sibling that learns the
# masks of the VOC classes alone; --resume goes on with a run that was stopped.
#
# Two runs, about three hours on two idle cores. RUN/first begins with the ImageNet weights and learns
# masks of 32 x 32. RUN/second begins with its last weights and learns masks of 64 x 64 by smaller
# batches. Two processes of one thread each, because the threads of one process wait for each other
# busily.
set -euo pipefail
data=$1 run=$2
shift 2
sets=()
for name in coco person animals carparts waste buildings nuclei; do
    sets+=("$data/$name/instances_train.json" --images "$data/$name/images")
done

train() {
    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 -m boxmask train "${sets[@]}" \
        --val "$data/coco/instances_val.json" --val-images "$data/coco/images" --preset zoom \
        --set 'source_weights=[2,1.5,1,0.5,0.5,0.4,0.25]' --device cpu --threads 1 "$@"
}

train --steps 2000 --out "$run/first" "$@"
train --init "$run/first/last.safetensors" --set model.mask_size=64 --set model.large_view_size=192 \
    --steps 8000 --batch 16 --set optimiser.lr=7e-4 --set validate_every=1000 --set save_every=200 \
    --out "$run/second" "$@"
