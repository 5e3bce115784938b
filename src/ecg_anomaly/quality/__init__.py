"""Can this ECG be scored? Findings about its signal, and the gate that decides."""
