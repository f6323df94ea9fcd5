"""From annotation files to batches: what is drawn, varied, cut out and compared with."""
