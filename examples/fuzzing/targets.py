"""All targets by their names."""

from fuzzing import boxes, masks, networks

TARGETS = boxes.TARGETS | masks.TARGETS | networks.TARGETS
