import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

ROOT = Path(__file__).parents[2]
if not (ROOT / "benchmarks" / "peers").is_dir():
    pytest.skip("the benchmarks do not come with the package", allow_module_level=True)
sys.path.append(str(ROOT))

from benchmarks.peers.beats import MLPVAE, N_PARAMETERS, BeatAutoencoder  # noqa: E402
from benchmarks.peers.convolutional import ConvolutionalAutoencoder  # noqa: E402
from benchmarks.peers.recurrent import RecurrentVAE  # noqa: E402

from benchmarks import peers  # noqa: E402
from ecg_anomaly import RecordSet  # noqa: E402
from ecg_anomaly.datasets import make_ecg  # noqa: E402
from ecg_anomaly.errors import SignalError  # noqa: E402
from ecg_anomaly.evaluation import Protocol, evaluate  # noqa: E402

FEW = {"max_epochs": 2, "batch_size": 8, "random_state": 0}


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(scope="module")
def normals():
    return make_ecg(20, duration=2, random_state=0).X


@pytest.fixture(scope="module")
def beats():
    times = np.linspace(-1, 1, 720)
    width = np.random.default_rng(0).uniform(0.9, 1.1, (20, 1))
    return np.exp(-np.square(times / (0.05 * width))).astype(np.float32)


def assert_scores(detector, X, fitted=True):
    """Scores are finite, fall for noise, and flag a tenth of the training records."""
    if not fitted:
        detector.fit(X)
    noise = 3 * np.random.default_rng(1).normal(size=X.shape).astype(np.float32)
    scores, of_noise = detector.score_samples(X), detector.score_samples(X + noise)
    assert scores.shape == (len(X),)
    assert np.isfinite(scores).all()
    assert np.median(of_noise) < np.median(scores)
    assert set(detector.predict(X).tolist()) == {-1, 1}
    return scores


def test_the_autoencoder_of_beats_has_the_published_size():
    module = BeatAutoencoder()
    assert count(module) == N_PARAMETERS == 583_361
    x = torch.zeros(2, 1, 720)
    assert module.encoder(x).shape == (2, 32)
    assert module(x).shape == x.shape


def test_sizes_of_the_other_networks():
    # 12-32-64-128 with kernels 7, 5, 3 and back, by hand
    there = 12 * 32 * 7 + 32 + 32 * 64 * 5 + 64 + 64 * 128 * 3 + 128
    back = 128 * 64 * 3 + 64 + 64 * 32 * 5 + 32 + 32 * 12 * 7 + 12
    assert count(ConvolutionalAutoencoder(12)) == there + back == 75_340
    module = MLPVAE(140)
    assert [module.encoder[0].in_features, module.encoder[0].out_features] == [140, 128]
    assert module.encoder[2].out_features == 2 * module.decoder[0].in_features == 200


@pytest.mark.parametrize("n_heads", [None, 4, 8])
def test_sizes_of_recurrent_networks(n_heads):
    module = RecurrentVAE(12, n_heads)
    units = [layer.hidden_size for layer in (*module.encoder, *module.decoder)]
    assert units == [512, 256, 256, 512]
    assert all(layer.bidirectional for layer in (*module.encoder, *module.decoder))
    assert module.to_latent.out_features == 2 * 64
    attention = 0 if n_heads is None else 12 * 64 + 64 + 4 * (64 * 64 + 64)
    assert count(module) == 9_732_248 + attention
    assert (None if n_heads is None else module.attention.num_heads) == n_heads


@pytest.mark.parametrize("length", [720, 361])
def test_shapes_of_the_convolutional_autoencoder(length):
    x = torch.zeros(2, 12, length)
    assert ConvolutionalAutoencoder(12)(x).shape == x.shape


def test_the_convolutional_peer(normals):
    peer = peers.CAEPeer(window=50, **FEW)
    scores = assert_scores(peer, normals, fitted=False)
    assert peer._windows(normals).shape == (80, 12, 50)
    assert peer.epochs_ == 2
    assert peer.losses_[1] < peer.losses_[0]
    again = clone(peer).fit(RecordSet(normals, fs=100.0))
    np.testing.assert_array_equal(again.score_samples(normals), scores)


def test_windows_are_of_one_record(normals):
    peer = peers.CAEPeer(window=50, **FEW).fit(normals)
    windows = peer._windows(normals).numpy().reshape(20, 4, 12, 50)
    scaled = (normals - peer.center_[:, None]) / peer.scale_[:, None]
    np.testing.assert_allclose(windows[3, 2], scaled[3, :, 100:150], rtol=1e-5, atol=1e-6)
    # a record has one score, whatever else is scored
    np.testing.assert_allclose(
        peer.score_samples(normals[3:4]), peer.score_samples(normals)[3:4], rtol=1e-4
    )


@pytest.mark.parametrize("n_heads", [None, 4])
def test_recurrent_peers(normals, n_heads, monkeypatch):
    for name, units in {"WIDE": 8, "NARROW": 4}.items():
        monkeypatch.setattr(f"benchmarks.peers.recurrent.{name}", units)
    peer = peers.VAEBiLSTMPeer(n_heads, window=50, **FEW | {"lr": 1e-2, "max_epochs": 5})
    scores = assert_scores(peer, normals, fitted=False)
    # scoring draws nothing
    np.testing.assert_array_equal(peer.score_samples(normals), scores)


@pytest.mark.parametrize("score_method", ["mse", "percentile"])
def test_the_peer_of_beats(beats, score_method):
    peer = peers.BeatAutoencoderPeer(score_method, **FEW)
    assert_scores(peer, beats, fitted=False)
    with torch.no_grad():
        windows = peer._windows(beats[:, None])
        squared = (peer.module_(windows) - windows).square().numpy()[:, 0]
    summary = squared.mean(1) if score_method == "mse" else np.percentile(squared, 99, axis=1)
    np.testing.assert_allclose(peer.score_samples(beats), -summary, rtol=1e-4)


def test_the_peer_of_beats_takes_no_other_length(beats):
    with pytest.raises(ValueError, match="one lead of 720 samples, got 1 of 700"):
        peers.BeatAutoencoderPeer(**FEW).fit(beats[:, :700])


def test_the_mlp_vae(beats):
    assert_scores(peers.MLPVAEPeer(**FEW | {"max_epochs": 20}), beats[:, ::6], fitted=False)


def test_time_stops_training_within_an_epoch(normals, tmp_path):
    report = tmp_path / "report.json"
    peer = peers.CAEPeer(minutes=0.0, report=str(report), **FEW).fit(normals)
    assert peer.epochs_ == 8 / 20
    told = json.loads(report.read_text())
    assert (told["epochs"], told["of"]) == (8 / 20, 2)


def test_between_epochs_the_network_can_score(normals):
    peer = peers.CAEPeer(**FEW)
    scores = [epoch.score_samples(normals) for epoch in peer.fit_by_epoch(normals)]
    assert len(scores) == 2
    assert scores[1].mean() > scores[0].mean()
    np.testing.assert_array_equal(peers.CAEPeer(**FEW).fit(normals).score_samples(normals),
                                  scores[1])  # fmt: skip


def test_divergence_is_told(normals):
    with pytest.raises(SignalError, match="the loss is"):
        peers.CAEPeer(**FEW | {"lr": 1e30, "max_epochs": 20}).fit(normals)


def test_peers_go_through_the_protocol():
    training = make_ecg(120, duration=2, random_state=0)
    test = make_ecg(40, duration=2, anomalies="lvh", random_state=1)
    test.groups = test.groups + 1000
    result = evaluate(
        {"CAE": peers.CAEPeer(max_epochs=1)}, (training, test), Protocol(seeds=(0,), n_resamples=20)
    )
    assert 0 <= result.to_frame().loc["CAE", "AUROC"] <= 1


def test_every_published_network_is_on_the_list():
    made = {name: peer(**params) for name, (peer, params) in peers.NETWORKS.items()}
    heads = {getattr(peer, "n_heads", "none") for peer in made.values()}
    assert heads == {"none", None, 4, 8}
    assert all(peer.minutes == 40 for peer in made.values())


@pytest.mark.parametrize("name", ["AutoEncoder", "VAE", "DeepSVDD", "ECOD"])
def test_pyod(normals, name):
    pytest.importorskip("pyod")
    before = torch.get_rng_state()
    peer = peers.PyODPeer(name, epochs=2, random_state=0)
    scores = assert_scores(peer, normals, fitted=False)
    assert torch.equal(torch.get_rng_state(), before)
    again = clone(peer).fit(normals)
    np.testing.assert_allclose(again.score_samples(normals), scores, rtol=1e-5)


# aeon compiles for seconds
@pytest.mark.slow
def test_aeon(normals):
    pytest.importorskip("aeon")
    assert_scores(peers.RockadPeer(random_state=0), normals, fitted=False)
    for name, n_features in {"MiniRocket": 9996, "Rocket": 20_000, "Catch22": 22 * 12}.items():
        features = peers.AeonFeatures(name, random_state=0).fit_transform(normals)
        assert features.shape == (20, n_features)
        assert np.isfinite(features).all()


def test_library_peers_have_fresh_seeds():
    of_one, of_two = peers.library_peers(1), peers.library_peers(2)
    assert set(of_one) == set(of_two)
    assert of_one["pyod VAE"].random_state == 1
    assert of_two["aeon ROCKAD"].random_state == 2


def test_the_benchmarks_can_be_imported():
    for name in ("peers", "ecg5000", "mitbih_intra"):
        assert callable(importlib.import_module(f"benchmarks.detection.{name}").main)
