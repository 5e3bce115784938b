"""Losses, hiding and pooling against what can be worked out by hand."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from ecg_anomaly.nn import Output, VAEBiLSTM, hide
from ecg_anomaly.nn.losses import (
    NegativeELBO,
    SquaredError,
    gaussian_nll,
    kl_to_standard_normal,
    negative_elbo,
    squared_error,
)
from ecg_anomaly.nn.pooling import pool


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def random_output(n=3, n_leads=2, n_samples=40, n_tokens=5, latent_dim=4):
    return Output(
        mean=torch.randn(n, n_leads, n_samples),
        log_var=torch.randn(n, n_leads, n_samples),
        states=torch.randn(n, n_tokens, 6),
        z_mean=torch.randn(n, n_tokens, latent_dim),
        z_log_var=torch.randn(n, n_tokens, latent_dim),
    )


def test_gaussian_likelihood():
    x, output = torch.randn(3, 2, 40), random_output()
    expected = -Normal(output.mean, (0.5 * output.log_var).exp()).log_prob(x)
    torch.testing.assert_close(gaussian_nll(x, output.mean, output.log_var), expected)


def test_divergence():
    zero = torch.zeros(2, 3, 4)
    assert not kl_to_standard_normal(zero, zero).any()
    mean, log_var = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    expected = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(mean, log_var), expected)
    assert (kl_to_standard_normal(mean, log_var) >= 0).all()


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
def test_the_bound_is_a_sum_over_the_record_by_its_elements(beta):
    x, output = torch.randn(3, 2, 40), random_output()
    nll = gaussian_nll(x, output.mean, output.log_var).sum((1, 2))
    kl = kl_to_standard_normal(output.z_mean, output.z_log_var).sum((1, 2))
    torch.testing.assert_close(negative_elbo(x, output, beta), (nll + beta * kl) / 80)
    without = output._replace(z_mean=None, z_log_var=None)
    torch.testing.assert_close(negative_elbo(x, without, beta), nll / 80)


def test_the_loss_does_not_grow_with_length_or_leads():
    x = torch.randn(3, 2, 40)
    output = random_output()
    once = negative_elbo(x, output)
    longer = Output(*(None if part is None else part.repeat(1, 1, 2) for part in output[:2]), None)
    longer = longer._replace(
        z_mean=output.z_mean.repeat(1, 2, 1), z_log_var=output.z_log_var.repeat(1, 2, 1)
    )
    torch.testing.assert_close(negative_elbo(x.repeat(1, 1, 2), longer), once)


def test_a_network_has_about_the_same_loss_on_a_record_twice_as_long():
    network = VAEBiLSTM(3, 8, 8, 4).eval()
    x = torch.randn(8, 3, 400)
    with torch.no_grad():
        once = negative_elbo(x, network(x)).mean()
        twice = negative_elbo(x.repeat(1, 1, 2), network(x.repeat(1, 1, 2))).mean()
    assert float(twice) == pytest.approx(float(once), rel=0.02)


def test_free_bits():
    x, output = torch.randn(3, 2, 40), random_output()
    kl = kl_to_standard_normal(output.z_mean, output.z_log_var)
    carried = kl.mean((0, 1))
    # under all of what is carried: on average over the batch nothing changes
    low = float(carried.min()) / 2
    torch.testing.assert_close(
        negative_elbo(x, output, free_bits=low).mean(), negative_elbo(x, output).mean()
    )
    # above all: the divergence is a constant without a gradient
    high = float(carried.max()) * 2
    z_mean = output.z_mean.clone().requires_grad_()
    loss = negative_elbo(x, output._replace(z_mean=z_mean), free_bits=high)
    nll = gaussian_nll(x, output.mean, output.log_var).sum((1, 2))
    torch.testing.assert_close(loss, (nll + high * 4 * 5) / 80)
    loss.sum().backward()
    assert not z_mean.grad.any()


def test_squared_error():
    x, output = torch.randn(3, 2, 40), random_output()
    torch.testing.assert_close(squared_error(x, output), (x - output.mean).square().mean((1, 2)))
    torch.testing.assert_close(
        SquaredError()(output, x), torch.nn.functional.mse_loss(output.mean, x)
    )


def betas(criterion, n_steps):
    """Return the weight of the divergence at each step."""
    x, output = torch.zeros(3, 2, 40), random_output()
    kl = kl_to_standard_normal(output.z_mean, output.z_log_var).sum((1, 2)).mean() / 80
    rest = negative_elbo(x, output, beta=0.0).mean()
    return [float((criterion(output, x) - rest) / kl) for _ in range(n_steps)]


def test_linear_annealing_rises_over_the_first_half():
    found = betas(NegativeELBO(2.0, 0.0, "linear", 20).train(), 20)
    expected = [min(2.0, 2 * 2.0 * (k + 1) / 20) for k in range(20)]
    assert found == pytest.approx(expected, abs=1e-4)


def test_cyclical_annealing_rises_four_times():
    found = betas(NegativeELBO(1.0, 0.0, "cyclical", 40).train(), 40)
    cycle = [min(1.0, 2 * (k + 1) / 10) for k in range(10)]
    assert found == pytest.approx(4 * cycle, abs=1e-4)


@pytest.mark.parametrize("annealing", ["linear", "cyclical", None])
def test_annealing_of_few_steps_and_in_evaluation(annealing):
    for n_steps in (0, 1, 2, 3):
        found = betas(NegativeELBO(1.0, 0.0, annealing, n_steps).train(), n_steps)
        assert all(-1e-4 <= beta <= 1.0001 for beta in found)
    criterion = NegativeELBO(1.0, 0.0, annealing, 10).eval()
    assert betas(criterion, 3) == pytest.approx([1.0] * 3, abs=1e-4)
    assert criterion.step == 0


def test_without_annealing_beta_is_constant():
    found = betas(NegativeELBO(0.3, 0.0, None, 10).train(), 10)
    assert found == pytest.approx([0.3] * 10, abs=1e-4)


@pytest.mark.parametrize("time_fraction", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("lead_fraction", [0.0, 0.25])
def test_hiding(time_fraction, lead_fraction):
    x = torch.ones(400, 4, 85)
    hidden = hide(x, time_fraction=time_fraction, segment=8, lead_fraction=lead_fraction)
    assert hidden.shape == x.shape
    assert (x == 1).all()
    assert set(hidden.unique().tolist()) <= {0.0, 1.0}
    kept = float(hidden.mean())
    assert kept == pytest.approx((1 - time_fraction) * (1 - lead_fraction), abs=0.02)
    if lead_fraction == 0:
        # whole segments, of all leads alike
        assert torch.equal(hidden[:, 0], hidden[:, 3])
        segments = hidden[..., :80].reshape(400, 4, 10, 8)
        assert torch.equal(segments.amin(-1), segments.amax(-1))
        if time_fraction:
            assert segments.amin(-1).std() > 0
    if time_fraction == 0:
        assert torch.equal(hidden.amin(-1), hidden.amax(-1))


def test_a_single_lead_is_never_hidden():
    x = torch.ones(50, 1, 16)
    assert torch.equal(hide(x, time_fraction=0.0, segment=8, lead_fraction=0.9), x)


@pytest.mark.parametrize("n_samples", [1, 2, 7])
def test_hiding_in_short_records(n_samples):
    x = torch.ones(200, 3, n_samples)
    hidden = hide(x, time_fraction=0.5, segment=8, lead_fraction=0.5)
    assert hidden.shape == x.shape
    assert 0 < hidden.mean() < 1


def test_pooling():
    states = torch.randn(3, 20, 5, dtype=torch.float64)
    mean, log_std, log_step = pool(states).chunk(3, 1)
    torch.testing.assert_close(mean, states.mean(1))
    torch.testing.assert_close(log_std.exp(), states.std(1, correction=0) + 1e-4)
    torch.testing.assert_close(log_step.exp(), states.diff(dim=1).std(1, correction=0) + 1e-4)
    order = torch.randperm(20)
    torch.testing.assert_close(pool(states[:, order])[:, :10], pool(states)[:, :10])
    assert not torch.allclose(pool(states[:, order]), pool(states))


@pytest.mark.parametrize("n_tokens", [1, 2, 5])
def test_pooling_of_constant_and_short_states_is_finite(n_tokens):
    pooled = pool(torch.full((2, n_tokens, 3), 7.0))
    assert pooled.shape == (2, 9)
    assert pooled[:, :3].eq(7).all()
    torch.testing.assert_close(pooled[:, 3:], torch.full((2, 6), math.log(1e-4)))
