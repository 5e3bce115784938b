"""Plain-array functions on sampled signals; time is the last axis everywhere."""
