"""Convolutional autoencoder as a detector."""

from __future__ import annotations

from sklearn.utils._param_validation import StrOptions

from ..nn import CAE
from ..nn.losses import NegativeELBO, SquaredError
from ._constraints import COMMON_CONSTRAINTS
from .base import BaseDetector


class CAEDetector(BaseDetector):
    """Anomaly detector on a convolutional autoencoder.

    A strided convolutional encoder squeezes the record through a bottleneck, from which sub-pixel
    upsampling restores it; in training parts of the input are hidden. The quickest to train.

    Parameters
    ----------
    score_method : {"latent", "latent_beat", "combined", "reconstruction"}, default="combined"
        What `score_samples` is. ``"latent"``: minus the mean distance of the record's pooled
        hidden states to those of the nearest training normals. ``"latent_beat"``: the same, with
        how far the median beat departs from normal ones in the directions of simulated
        pathologies; for records of standard leads, in mV. ``"combined"``: the latent one with how
        unlikely the least likely half second is as one more axis, which finds single premature
        beats. ``"reconstruction"``: minus the mean squared error.
    contamination : float in (0, 0.5], default=0.1
        Share of the training records that `predict` flags. It is no false-alarm rate: set
        thresholds that people use on held-out normals.
    n_neighbors : int, default=10
        Training normals to which the latent distance is taken.
    channels : int, default=64
        Width of the network.
    latent_dim : int, default=16
        Channels of the bottleneck, one set every ``2 * stride`` samples.
    stride : int, default=8
        Samples a token of the network.
    loss : {"likelihood", "mse"}, default="likelihood"
        What training minimises: the negative Gaussian log-likelihood, the decoder giving a mean
        and a variance for each lead and sample, or the mean squared error.
    mask_fraction : float in [0, 1), default=0.3
        Share of time segments, of `stride` samples each, that training hides.
    lead_mask_fraction : float in [0, 1), default=0.25
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
    He et al., "Masked autoencoders are scalable vision learners", CVPR 2022 (masked restoration);
    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", CVPR 2016.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, make_ecg
    >>> normals = make_ecg(40, random_state=0).X
    >>> detector = CAEDetector(max_epochs=1, random_state=0).fit(normals)
    >>> detector.score_samples(normals[:3]).shape
    (3,)
    """

    _architecture = ("channels", "latent_dim", "stride", "loss")
    _parameter_constraints = {
        **COMMON_CONSTRAINTS,
        "score_method": [StrOptions({"latent", "latent_beat", "combined", "reconstruction"})],
        "loss": [StrOptions({"likelihood", "mse"})],
    }

    def __init__(
        self,
        score_method="combined",
        *,
        contamination=0.1,
        n_neighbors=10,
        channels=64,
        latent_dim=16,
        stride=8,
        loss="likelihood",
        mask_fraction=0.3,
        lead_mask_fraction=0.25,
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
        self.latent_dim = latent_dim
        self.stride = stride
        self.loss = loss
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
        variance = self.loss == "likelihood"
        return CAE(n_leads, self.channels, self.latent_dim, self.stride, variance)

    def _build_criterion(self, n_steps):
        if self.loss == "mse":
            return SquaredError()
        return NegativeELBO(beta=0.0, free_bits=0.0, annealing=None, n_steps=n_steps)
