"""
Where is the anomaly?
=====================

Train on synthetic normals, then look at one premature ventricular beat: the ECG on paper, what the
network restores, and the map of where both differ.
"""

from ecg_anomaly import Record, VAEMHADetector, make_ecg
from ecg_anomaly.plotting import plot_ecg

normals = make_ecg(800, random_state=0)
detector = VAEMHADetector(random_state=0).fit(normals.X)

# %%
# One record with a premature beat, which the detector never saw.
ecgs = make_ecg(8, anomalies="pvc", anomaly_fraction=1.0, random_state=1)
X = ecgs.X[:1]
print(f"score {detector.score_samples(X)[0]:.1f}, threshold {detector.offset_:.1f}")

figure = plot_ecg(
    Record(X[0], fs=100, record_id="0"),
    reconstruction=detector.reconstruct(X)[0],
    anomaly_map=detector.anomaly_map(X)[0],
    title="A premature ventricular beat",
)

# %%
# The true mask says where the beat is; the map agrees.
anomaly_map = detector.anomaly_map(X)[0]
inside, outside = anomaly_map[ecgs.masks[0]].mean(), anomaly_map[~ecgs.masks[0]].mean()
print(f"mean of the map inside the mask {inside:.1f}, outside {outside:.1f}")
