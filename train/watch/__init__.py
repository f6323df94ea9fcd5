"""What a run writes down while it trains: log, validation, curves, sample masks, model card."""
