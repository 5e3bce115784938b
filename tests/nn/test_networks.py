"""Networks at any length, and what they give."""

import pytest
import torch

from ecg_anomaly.nn import CAE, VAEMHA, Output, VAEBiLSTM
from ecg_anomaly.nn.layers import LOG_VAR_RANGE, LeadAttention, Stem, SubPixel, pad_to_multiple

NETWORKS = {
    "CAE": lambda n_leads=3, **p: CAE(n_leads, 8, 4, **p),
    "VAEBiLSTM": lambda n_leads=3, **p: VAEBiLSTM(n_leads, 8, 8, 4, **p),
    "VAEMHA": lambda n_leads=3, **p: VAEMHA(n_leads, 8, 8, 4, n_heads=2, **p),
}
every_network = pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
VARIATIONAL = pytest.mark.parametrize("build", list(NETWORKS.values())[1:], ids=list(NETWORKS)[1:])
LENGTHS = [1, 2, 7, 8, 9, 1000]


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@every_network
@pytest.mark.parametrize("n_samples", LENGTHS)
@pytest.mark.parametrize("n_leads", [1, 3, 12])
def test_shapes(build, n_samples, n_leads):
    x = torch.randn(2, n_leads, n_samples)
    output = build(n_leads).eval()(x)
    assert isinstance(output, Output)
    assert output.mean.shape == output.log_var.shape == x.shape
    n_tokens = output.states.shape[1]
    assert n_tokens >= -(-n_samples // 8)
    assert output.states.shape[0] == 2
    for part in output:
        assert part is None or torch.isfinite(part).all()
    if output.z_mean is not None:
        assert output.z_mean.shape == output.z_log_var.shape == (2, n_tokens, 4)
    if output.lead_weights is not None:
        assert output.lead_weights.shape == (2, n_leads)
        assert output.time_weights.shape == (2, n_tokens)
        for weights in (output.lead_weights, output.time_weights):
            assert (weights >= 0).all()
            torch.testing.assert_close(weights.sum(1), torch.ones(2))


def test_which_networks_have_what():
    x = torch.randn(1, 3, 40)
    cae, vae, attending = (build().eval()(x) for build in NETWORKS.values())
    assert cae.z_mean is None
    assert cae.lead_weights is None
    assert vae.z_mean is not None
    assert vae.time_weights is None
    assert attending.time_weights is not None


@every_network
@pytest.mark.parametrize("stride", [1, 2, 3, 8, 16])
def test_strides(build, stride):
    x = torch.randn(2, 3, 50)
    output = build(stride=stride).eval()(x)
    assert output.mean.shape == x.shape
    assert -(-50 // stride) <= output.states.shape[1] <= -(-50 // stride) + 1


@every_network
def test_evaluation_is_deterministic_and_by_record(build):
    network, x = build().double().eval(), torch.randn(5, 3, 77, dtype=torch.float64)
    first, second = network(x), network(x)
    alone = network(x[2:3])
    for one, two, three in zip(first, second, alone, strict=True):
        if one is not None:
            assert torch.equal(one, two)
            torch.testing.assert_close(one[2:3], three, rtol=1e-10, atol=1e-10)


@VARIATIONAL
def test_training_samples_the_latent(build):
    network, x = build().train(), torch.randn(2, 3, 80)
    first, second = network(x), network(x)
    assert not torch.equal(first.mean, second.mean)
    assert torch.equal(first.z_mean, second.z_mean)
    network.eval()
    assert torch.equal(network(x).mean, network(x).mean)


@every_network
def test_every_weight_learns(build):
    network = build().train()
    # dead weights would show as missing gradients
    output = network(torch.randn(4, 3, 80))
    loss = output.mean.square().mean() + output.log_var.mean() + output.states.mean()
    if output.z_log_var is not None:
        loss = loss + output.z_log_var.mean() + output.z_mean.square().mean()
    loss.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@every_network
def test_the_log_variance_stays_in_its_range(build):
    low, high = LOG_VAR_RANGE
    network = build().eval()
    log_var = network(1e6 * torch.randn(2, 3, 80)).log_var
    assert (log_var >= low).all()
    assert (log_var <= high).all()


@every_network
def test_amplitude_is_seen(build):
    network, x = build().eval(), torch.randn(2, 3, 80)
    assert not torch.allclose(network(x).states, network(2 * x).states, atol=1e-3)


def test_a_constant_variance_can_be_asked_for():
    x = torch.randn(2, 3, 80)
    assert not NETWORKS["CAE"](variance=False).eval()(x).log_var.any()
    assert NETWORKS["CAE"]().eval()(x).log_var.any()


def test_the_bottleneck_squeezes():
    network, sizes = NETWORKS["CAE"]().eval(), []
    network.squeeze.register_forward_hook(lambda module, args, out: sizes.append(out.shape))
    network(torch.randn(2, 3, 800))
    assert sizes == [(2, 4, 50)]


def test_the_decoder_sees_only_the_latent():
    network, x = NETWORKS["VAEBiLSTM"]().eval(), torch.randn(2, 3, 80)
    expected = network(x).mean
    with torch.no_grad():
        network.to_latent.weight.zero_()
    assert not torch.allclose(network(x).mean, expected)
    # with a latent that knows nothing, all records look alike
    torch.testing.assert_close(network(x).mean[0], network(x).mean[1])


def test_attention_over_time_takes_its_values_from_the_latent():
    network, x = NETWORKS["VAEMHA"]().eval(), torch.randn(2, 3, 80)
    with torch.no_grad():
        network.to_latent.weight.zero_()
    torch.testing.assert_close(network(x).mean[0], network(x).mean[1])


@pytest.mark.parametrize("n_samples", [1, 5, 8, 9])
def test_padding(n_samples):
    x = torch.randn(2, 3, n_samples)
    padded = pad_to_multiple(x, 8)
    assert padded.shape[-1] % 8 == 0
    assert padded.shape[-1] - n_samples < 8
    assert torch.equal(padded[..., :n_samples], x)
    assert (padded[..., n_samples:] == x[..., -1:]).all()


@pytest.mark.parametrize("stride", [1, 2, 5, 8])
def test_stem_and_sub_pixel_undo_each_other_in_length(stride):
    x = torch.randn(2, 3, 6 * stride)
    tokens = Stem(3, 4, stride)(x)
    assert tokens.shape == (2, 4, 6)
    assert SubPixel(4, 3, stride)(tokens).shape == x.shape


def test_sub_pixel_puts_samples_beside_each_other():
    layer = SubPixel(1, 1, 3)
    with torch.no_grad():
        layer.conv.weight[:] = torch.tensor([1.0, 10.0, 100.0])[:, None, None]
        layer.conv.bias.zero_()
    out = layer(torch.tensor([[[1.0, 2.0]]]))
    assert out.flatten().tolist() == [1, 10, 100, 2, 20, 200]


def test_lead_attention_keeps_the_overall_scale_and_knows_leads_apart():
    attention = LeadAttention(3).eval()
    x = torch.randn(1, 1, 50).repeat(2, 3, 1)
    weighted, weights = attention(x)
    torch.testing.assert_close(weighted.mean(1), x[:, 0])
    assert weights.std(1).min() > 1e-4
    with torch.no_grad():
        attention.embedding.zero_()
    torch.testing.assert_close(attention(x)[1], torch.full((2, 3), 1 / 3))
