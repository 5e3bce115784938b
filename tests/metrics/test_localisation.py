import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.errors import SignalError
from ecg_anomaly.metrics import (
    difference_map,
    lead_ranking,
    localisation_auroc,
    localisation_table,
    pointing_game,
)

MEASURES = [pointing_game, localisation_auroc, lead_ranking]


def mask_of(text):
    """Read a mask, one lead a line."""
    return np.array([[c == "x" for c in line] for line in text.split()])


# 2 leads of 5 samples, 3 of 10 in the mask
MASK = mask_of(".xx.. ....x")


def test_pointing_by_hand():
    hit, miss = np.zeros((2, 5)), np.zeros((2, 5))
    hit[0, 2], miss[1, 1] = 1, 1
    game = pointing_game([hit, miss, hit], [MASK] * 3)
    assert game.hit == pytest.approx(2 / 3)
    assert game.chance == pytest.approx(0.3)
    assert game.corrected == pytest.approx((2 / 3 - 0.3) / 0.7)
    assert game[3:] == (3, 0)
    # the highest of a signed map, not the one furthest from zero
    signed = hit - 5 * miss
    assert pointing_game([signed], [MASK]).hit == 1
    assert pointing_game([-signed], [MASK]).hit == 0


def test_pointing_within_a_tolerance():
    near = np.zeros((2, 5))
    near[0, 3] = 1
    assert pointing_game([near], [MASK]).hit == 0
    # one sample further: xxxx. and ...xx
    game = pointing_game([near], [MASK], tolerance=1)
    assert game[:2] == (1, 0.6)
    # it reaches along time, not to other leads
    near[0, 3], near[0, 4] = 0, 1
    assert pointing_game([near], [MASK], tolerance=1).hit == 0


def test_masks_of_records_with_different_chance():
    small, large = mask_of("x... ...."), mask_of("xxxx xx..")
    first = np.eye(1, 8).reshape(2, 4)
    game = pointing_game([first, 1 - first], [small, large])
    # the second is highest everywhere but at the first sample: 5 of 7 of these are in the mask
    assert game.hit == pytest.approx((1 + 5 / 7) / 2)
    assert game.chance == pytest.approx((1 / 8 + 6 / 8) / 2)


def test_auroc_by_hand():
    # in the mask 3 2 1, outside 0 0 0 0 0 2 4: of 21 pairs 3: 6, 2: 5.5, 1: 5
    values = np.array([[0, 3, 2, 0, 0], [0, 0, 2, 4, 1]])
    result = localisation_auroc([values], [MASK])
    assert result == (pytest.approx(16.5 / 21), 1, 0)
    # the mean of records, however high their maps
    both = localisation_auroc([values, 1000 - values], [MASK] * 2)
    assert both.auroc == pytest.approx(0.5)


def test_leads_by_hand():
    masks = [mask_of("x. .. .x .."), mask_of(".. .. .. xx")]
    # blame 3 1 2 2: affected 3 and 2 beat 1, 3 beats 2, 2 ties with 2; then 4 of four is highest
    maps = [[[0, 3], [1, 0], [1, 1], [2, 0]], [[0, 0], [0, 0], [0, 0], [0, 4]]]
    ranking = lead_ranking(maps, masks)
    assert ranking.auroc == pytest.approx((3.5 / 4 + 1) / 2)
    assert ranking.top == 1
    assert ranking.chance == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert ranking.corrected == 1
    # highest are one affected lead and one other
    tied = lead_ranking([[[2, 1], [0, 0], [0, 0], [0, 3]]], masks[:1])
    assert tied.top == 0.5
    assert tied.corrected == 0


def test_masks_that_allow_nothing_are_skipped_and_counted():
    values = np.arange(10.0).reshape(2, 5)
    masks = [MASK, np.zeros((2, 5), bool), np.ones((2, 5), bool)]
    assert pointing_game([values] * 3, masks)[3:] == (1, 2)
    assert localisation_auroc([values] * 3, masks)[1:] == (1, 2)
    masks.append(mask_of("xx... ....."))
    # MASK affects both leads
    assert lead_ranking([values] * 4, masks)[4:] == (1, 3)
    for measure in (pointing_game, localisation_auroc):
        with pytest.raises(SignalError, match="every mask is empty or full"):
            measure([values] * 2, masks[1:3])
    with pytest.raises(SignalError, match="all leads are affected, or none"):
        lead_ranking([values] * 3, masks[:3])


def test_records_may_differ_in_length():
    maps = [np.arange(6.0).reshape(2, 3), np.arange(4.0).reshape(1, 4)]
    masks = [mask_of("... ..x"), mask_of("...x")]
    assert pointing_game(maps, masks).hit == 1


@st.composite
def maps_and_masks(draw):
    n_records, n_leads, n_samples = (draw(st.integers(low, 5)) for low in (1, 2, 2))
    shape = (n_records, n_leads, n_samples)
    size = n_records * n_leads * n_samples
    values = draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    mask = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size))).reshape(shape)
    # neither empty nor full, in some leads of each record and not in others
    mask[:, 0] = False
    mask[:, 1, 0] = True
    return np.array(values, float).reshape(shape), mask


@given(maps_and_masks())
def test_results_have_bounds(data):
    game, auroc, leads = (measure(*data) for measure in MEASURES)
    for share in (game.hit, auroc.auroc, leads.auroc, leads.top):
        assert 0 <= share <= 1
    for chance in (game.chance, leads.chance):
        assert 0 < chance < 1
    assert game.corrected <= 1
    assert leads.corrected <= 1


@given(maps_and_masks(), st.sampled_from([np.arctan, lambda x: x**3 + x, lambda x: 3 * x - 7]))
def test_points_and_auroc_do_not_change_under_a_monotone_map(data, increasing):
    maps, masks = data
    for measure in MEASURES[:2]:
        assert measure(increasing(maps), masks) == pytest.approx(measure(maps, masks))
    # blame is a sum: only what keeps sums in order
    assert lead_ranking(3 * maps - 7, masks) == pytest.approx(lead_ranking(maps, masks))


@given(maps_and_masks(), st.randoms(use_true_random=False))
def test_order_of_records_leads_and_time_does_not_matter(data, random):
    maps, masks = data
    orders = [random.sample(range(n), n) for n in maps.shape]
    shuffled = [a[np.ix_(*orders)] for a in data]
    for measure in MEASURES:
        assert measure(*shuffled) == pytest.approx(measure(maps, masks))


@given(maps_and_masks(), st.integers(-3, 3))
def test_constant_maps_score_chance(data, value):
    _, masks = data
    game, auroc, leads = (measure(np.full(masks.shape, value), masks) for measure in MEASURES)
    assert game.hit == pytest.approx(game.chance)
    assert game.corrected == pytest.approx(0, abs=1e-12)
    assert auroc.auroc == leads.auroc == 0.5
    assert leads.corrected == pytest.approx(0, abs=1e-12)


@given(maps_and_masks())
def test_masks_are_found_by_themselves(data):
    _, masks = data
    game, auroc = (measure(masks.astype(float), masks) for measure in MEASURES[:2])
    assert (game.hit, game.corrected, auroc.auroc) == (1, 1, 1)
    reversed_map = localisation_auroc(-masks.astype(float), masks)
    assert reversed_map.auroc == 0


def test_random_maps_score_chance():
    rng = np.random.default_rng(0)
    masks = np.zeros((3000, 3, 20), bool)
    masks[:, 1, 5:12] = True
    masks[::2, 2, :15] = True
    maps = rng.normal(size=masks.shape)
    # standard deviations .01, .003, .01 and .015
    assert pointing_game(maps, masks).corrected == pytest.approx(0, abs=0.03)
    assert localisation_auroc(maps, masks).auroc == pytest.approx(0.5, abs=0.01)
    assert lead_ranking(maps, masks).auroc == pytest.approx(0.5, abs=0.03)
    assert lead_ranking(maps, masks).corrected == pytest.approx(0, abs=0.05)


def test_the_difference_removes_what_was_odd_before():
    rng = np.random.default_rng(1)
    original = rng.normal(size=(40, 4, 100)) ** 2
    masks = np.zeros(original.shape, bool)
    masks[:, 2, 30:60] = True
    injected = original + masks
    assert pointing_game(injected, masks).corrected < 0.5
    differences = [difference_map(a, b) for a, b in zip(injected, original, strict=True)]
    assert pointing_game(differences, masks).corrected == 1
    assert lead_ranking(differences, masks).auroc == 1


def make_table(**options):
    rng = np.random.default_rng(0)
    masks = np.zeros((60, 4, 30), bool)
    masks[:, 1, 10:20] = True
    masks[7] = False
    masks[8] = True
    noise = rng.normal(size=masks.shape)
    maps = {"good": noise + 2 * masks, "noise": noise, "constant": np.zeros(masks.shape)}
    options = {"n_resamples": 200, "random_state": 0} | options
    return localisation_table(maps, masks, **options), maps, masks


def test_the_table_holds_the_measures():
    table, maps, masks = make_table()
    assert table.index.tolist() == list(maps)
    for name, values in maps.items():
        game, auroc, leads = (measure(values, masks) for measure in MEASURES)
        row = table.loc[name]
        assert row[["hit", "chance", "pointing"]].tolist() == pytest.approx(list(game[:3]))
        assert row["auroc"] == pytest.approx(auroc.auroc)
        assert row["lead_auroc"] == pytest.approx(leads.auroc)
        assert row["lead_top"] == pytest.approx(leads.corrected)
        assert row["n_records"] == game.n_records == 58
        assert row["n_lead_records"] == leads.n_records == 58
        for measure in ("pointing", "auroc", "lead_auroc", "lead_top"):
            assert row[f"{measure}_low"] <= row[measure] + 1e-9
            assert row[measure] <= row[f"{measure}_high"] + 1e-9
    assert table.loc["good", "auroc_low"] > table.loc["noise", "auroc_high"]
    constant = table.loc["constant", ["auroc_low", "auroc_high", "pointing_low", "pointing_high"]]
    assert constant.tolist() == pytest.approx([0.5, 0.5, 0, 0])


def test_the_table_with_a_tolerance():
    table, maps, masks = make_table(tolerance=2)
    game = pointing_game(maps["noise"], masks, tolerance=2)
    assert table.loc["noise", "hit"] == pytest.approx(game.hit)
    assert table.loc["noise", "chance"] == pytest.approx(14 / 120)


def test_the_interval_is_the_standard_error_of_a_mean():
    table, maps, masks = make_table(n_resamples=2000)
    used = [localisation_auroc([a], [m]).auroc for a, m in zip(maps["noise"], masks, strict=True)
            if m.any() and not m.all()]  # fmt: skip
    row = table.loc["noise"]
    error = np.std(used) / np.sqrt(58)
    assert row["auroc_high"] - row["auroc_low"] == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_records_of_a_patient_are_drawn_together():
    table, maps, masks = make_table(confidence=0.9)
    order = np.random.default_rng(0).permutation(240)
    many = {name: np.repeat(values, 4, axis=0)[order] for name, values in maps.items()}
    masks = np.repeat(masks, 4, axis=0)[order]
    groups = np.repeat(np.arange(60), 4)[order]
    options = {"confidence": 0.9, "n_resamples": 200, "random_state": 0}
    grouped = localisation_table(many, masks, groups=groups, **options)
    intervals = [name for name in table if name.endswith(("_low", "_high"))]
    pd.testing.assert_frame_equal(grouped[intervals], table[intervals])
    alone = localisation_table(many, masks, **options)

    def width(found):
        return found.loc["noise", "auroc_high"] - found.loc["noise", "auroc_low"]

    assert width(alone) < 0.7 * width(grouped)


def test_where_no_lead_can_be_ranked():
    masks = np.zeros((5, 2, 10), bool)
    masks[:, :, 3:6] = True
    row = localisation_table({"self": masks * 1.0}, masks, random_state=0).loc["self"]
    assert row["pointing"] == row["pointing_low"] == 1
    assert row["n_lead_records"] == 0
    assert row[["lead_auroc", "lead_auroc_low", "lead_top", "lead_top_high"]].isna().all()


@settings(deadline=None, max_examples=20)
@given(maps_and_masks())
def test_the_table_has_the_measures_of_any_maps(data):
    row = localisation_table({"any": data[0]}, data[1], n_resamples=5).loc["any"]
    assert row["pointing"] == pytest.approx(pointing_game(*data).corrected)
    assert row["lead_top"] == pytest.approx(lead_ranking(*data).corrected)


@pytest.mark.parametrize("measure", [*MEASURES, lambda a, b: localisation_table({"it": a}, b)])
@pytest.mark.parametrize(
    ("maps", "masks", "problem"),
    [
        ([MASK * 1.0], [MASK, MASK], "1 maps, but 2 masks"),
        ([MASK[:, :3] * 1.0], [MASK], r"record 0: a map of shape \(2, 3\) and a mask of shape"),
        (MASK * 1.0, MASK, r"a single one in a list"),
        ([MASK * 1.0, np.full((2, 5), np.nan)], [MASK, MASK], "record 1: its map is not finite"),
        ([MASK * 1.0], [MASK.astype(int)], "record 0: a mask of int64; make it boolean"),
        ([], [], "there are no records"),
    ],
)
def test_what_does_not_fit(measure, maps, masks, problem):
    with pytest.raises(SignalError, match=problem):
        measure(maps, masks)


@pytest.mark.parametrize(
    ("change", "error", "problem"),
    [
        ({"tolerance": -1}, ValueError, "tolerance"),
        ({"n_resamples": 0}, ValueError, "n_resamples"),
        ({"confidence": 1}, ValueError, "confidence"),
        ({"groups": [1, 2]}, SignalError, "groups of shape"),
    ],
)
def test_parameters_out_of_range(change, error, problem):
    with pytest.raises(error, match=problem):
        localisation_table({"it": [MASK * 1.0]}, [MASK], **change)
    if "tolerance" in change:
        with pytest.raises(ValueError, match="tolerance"):
            pointing_game([MASK * 1.0], [MASK], **change)
