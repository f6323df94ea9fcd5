"""How good masks are: paired IoU by split, its uncertainty, calibration, and mask AP."""
