"""Variational autoencoder with a bidirectional LSTM and attention as a detector."""

from __future__ import annotations

from numbers import Integral

import torch
from sklearn.utils._param_validation import Interval, StrOptions

from ..nn import VAEMHA
from .vae_bilstm import VAEBiLSTMDetector


class VAEMHADetector(VAEBiLSTMDetector):
    """Anomaly detector on a variational autoencoder with a bidirectional LSTM and attention.

    As `VAEBiLSTMDetector`, with attention over leads before the stem (each lead has an embedding
    of its own) and multi-head attention over time between encoder and decoder, its query and key
    from the input and its value from the latent.

    Parameters
    ----------
    score_method : {"latent", "latent_beat", "combined", "elbo", "attention", "reconstruction"}, \
            default="combined"
        What `score_samples` is. ``"latent"``: minus the mean distance of the record's pooled
        hidden states to those of the nearest training normals. ``"latent_beat"``: the same, with
        how far the median beat departs from normal ones in the directions of simulated
        pathologies; for records of standard leads, in mV. ``"combined"``: the latent one with how
        unlikely the least likely half second is as one more axis, which finds single premature
        beats. ``"elbo"``: the evidence lower bound. ``"attention"``: minus the attention-weighted
        squared error and the divergence. ``"reconstruction"``: minus the mean squared error.
    contamination : float in (0, 0.5], default=0.1
        Share of the training records that `predict` flags. It is no false-alarm rate: set
        thresholds that people use on held-out normals.
    n_neighbors : int, default=10
        Training normals to which the latent distance is taken.
    channels : int, default=64
        Width of the network.
    hidden : int, default=64
        Units of the LSTM in each direction.
    latent_dim : int, default=32
        Latent dimensions a token; `n_heads` must divide it.
    n_heads : int, default=4
        Of the attention over time.
    stride : int, default=8
        Samples a token: the LSTM never sees the raw rate.
    beta : float >= 0, default=1.0
        Final weight of the Kullback-Leibler divergence.
    annealing : {"linear", "cyclical"} or None, default="linear"
        How beta rises: over the first half of training, in four such cycles, or not at all.
    free_bits : float >= 0, default=0.0
        Nats that each latent dimension may carry for free, against posterior collapse.
    mask_fraction : float in [0, 1), default=0.3
        Share of time segments, of `stride` samples each, that training hides.
    lead_mask_fraction : float in [0, 1), default=0.0
        Share of whole leads that training hides.
    crop : float or None, default=5.04
        Seconds of each record, at a random place, that a training step sees; None: all.
    max_epochs : int, default=10
        0 leaves the network untrained. On 5,000 records and more, about 3 are best.
    batch_size : int, default=64
    lr : float, default=3e-3
        Peak of the one-cycle schedule, or the constant rate with `early_stopping`.
    early_stopping : bool, default=False
        Hold out `validation_fraction` of the patients, stop after `patience` epochs without a
        better loss, and bring the best weights back. The loss is a poor judge of the latent score.
    patience : int, default=5
    validation_fraction : float in (0, 1), default=0.1
    warm_start : bool, default=False
        Go on with the weights and the lead scales of the earlier fit.
    fs : float, default=100.0
        Sampling rate of arrays in Hz; a RecordSet brings its own.
    leads : sequence of str or None, default=None
        Lead names of arrays; a RecordSet brings its own.
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.
    device : str, default="auto"
        A torch device; ``"auto"`` is CUDA where there is one, else the CPU.
    random_state : int, RandomState or None, default=None
        With an int, two fits on one CPU agree bit for bit.
    verbose : int, default=0
        1 shows a progress bar, which tells what is left.

    Attributes
    ----------
    offset_ : float
        Threshold of `predict` on `score_samples`.
    history_ : list of dict
        ``epoch``, ``train_loss`` and perhaps ``valid_loss`` of each epoch.
    fs_, leads_ : float, tuple of str
        Of what was fitted on; `leads_` is () where nobody named them.
    n_features_in_, n_leads_in_ : int
    module_ : torch.nn.Module
        The trained network.

    References
    ----------
    Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014; Vaswani et al., "Attention is
    all you need", NeurIPS 2017; Lee et al., "A simple unified framework for detecting
    out-of-distribution samples", NeurIPS 2018 (distances of hidden states as a score).

    Examples
    --------
    >>> from ecg_anomaly import VAEMHADetector, make_ecg
    >>> normals = make_ecg(40, random_state=0).X
    >>> detector = VAEMHADetector(max_epochs=1, random_state=0).fit(normals)
    >>> detector.score_samples(normals[:3]).shape
    (3,)
    """

    _architecture = ("channels", "hidden", "latent_dim", "stride", "n_heads")
    _parameter_constraints = {
        **VAEBiLSTMDetector._parameter_constraints,
        "score_method": [
            StrOptions({"latent", "latent_beat", "combined", "elbo", "attention", "reconstruction"})
        ],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        score_method="combined",
        *,
        contamination=0.1,
        n_neighbors=10,
        channels=64,
        hidden=64,
        latent_dim=32,
        n_heads=4,
        stride=8,
        beta=1.0,
        annealing="linear",
        free_bits=0.0,
        mask_fraction=0.3,
        lead_mask_fraction=0.0,
        crop=5.04,
        max_epochs=10,
        batch_size=64,
        lr=3e-3,
        early_stopping=False,
        patience=5,
        validation_fraction=0.1,
        warm_start=False,
        fs=100.0,
        leads=None,
        n_leads=1,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        self.score_method = score_method
        self.contamination = contamination
        self.n_neighbors = n_neighbors
        self.channels = channels
        self.hidden = hidden
        self.latent_dim = latent_dim
        self.n_heads = n_heads
        self.stride = stride
        self.beta = beta
        self.annealing = annealing
        self.free_bits = free_bits
        self.mask_fraction = mask_fraction
        self.lead_mask_fraction = lead_mask_fraction
        self.crop = crop
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.fs = fs
        self.leads = leads
        self.n_leads = n_leads
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _build_module(self, n_leads):
        if self.latent_dim % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} does not divide latent_dim={self.latent_dim}; the latent "
                "is shared out evenly among the heads."
            )
        return VAEMHA(
            n_leads, self.channels, self.hidden, self.latent_dim, self.stride, self.n_heads
        )

    def attention(self, X):
        """Return where the network looks.

        Parameters
        ----------
        X : RecordSet or array-like
            Records with the leads and the length of those in `fit`.

        Returns
        -------
        lead_weights : ndarray of shape (n_records, n_leads)
        time_weights : ndarray of shape (n_records, n_tokens)
            A token is `stride` samples. Each row is non-negative and sums to 1.
        """
        X = self._check_fitted_input(X)
        attention = [output.attention for _, _, output in self._outputs(X)]
        lead_weights, time_weights = zip(*attention, strict=True)
        joined = (torch.cat(weights).numpy() for weights in (lead_weights, time_weights))
        # single precision sums to 1 within 1e-7 only
        over_leads, over_time = (w / w.sum(1, keepdims=True) for w in joined)
        return over_leads, over_time
