"""What happened: probes, samples, timelines, rates, and the store that keeps them."""
