"""The network family: heads, backbones, and the three ways to look at a box."""
