"""Zero-phase band-pass and notch filters, applied to whole batches in the frequency domain.

Filtering forwards and backwards multiplies each frequency by the squared magnitude of the filter,
a real number. So the recursion in time is not needed: one real FFT, one product and one inverse
FFT of all rows give the same result faster. What an FFT lacks, ends that do not meet each other, is
supplied here: a line from the mean of the first samples to that of the last is taken out (it holds
the offset, so that 300 mV of it cost no precision in float32), and both ends are continued by
something that fades to zero. Everything is linear in the signal, so that what holds between leads
before the filter (III = II - I) holds after it.

How to continue was chosen on 10-second ECGs cut out of longer ones, against the filtered whole: the
band-pass continues with the mirror image of 0.1 periods of `lowcut`, and its error at the ends is
then below that of :func:`scipy.signal.sosfiltfilt`; the notch continues the hum of its own
frequency, fitted to the 20 periods next to the end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps

import numpy as np
from scipy import fft

from ..errors import SignalError
from ._rows import map_rows
from .checks import check_rate
from .resampling import rate_ratio

# Longest FFT whose gain is kept, of which 32 take 17 MB. A day at 500 Hz alone would take 170 MB,
# and its gain costs about what the FFTs of one lead do.
_LONGEST_KEPT = 2**17


def _kept(gain: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Keep the last gains, but for long FFTs."""
    cached = lru_cache(maxsize=32)(gain)

    @wraps(gain)
    def kept(n, *args, **kwargs):
        return (cached if n <= _LONGEST_KEPT else gain)(n, *args, **kwargs)

    return kept


def check_band(fs: float, lowcut: float, highcut: float) -> None:
    """Refuse pass bands that do not exist at a sampling rate.

    Raises
    ------
    SignalError
        Unless ``0 < lowcut < highcut < fs / 2``.
    """
    fs = check_rate(fs)
    if not lowcut > 0:
        raise SignalError(
            f"lowcut must be above 0 Hz, got {lowcut:g}; 0.05 to 0.5 Hz removes baseline wander."
        )
    if not highcut < fs / 2:
        raise SignalError(
            f"highcut={highcut:g} Hz must be below half the sampling rate ({fs / 2:g} Hz at "
            f"fs={fs:g}); lower highcut, or set fs to the rate of the signals."
        )
    if not lowcut < highcut:
        raise SignalError(
            f"lowcut={lowcut:g} Hz must be below highcut={highcut:g} Hz; exchange them."
        )


def check_notch(fs: float, freq: float, q: float) -> None:
    """Refuse notches that do not exist at a sampling rate.

    Raises
    ------
    SignalError
        Unless ``0 < freq <= fs / 2``, ``q > 0`` and the notch is narrower than ``fs / 2``.
    """
    fs = check_rate(fs)
    if not 0 < freq <= fs / 2:
        raise SignalError(
            f"the notch at freq={freq:g} Hz must lie above 0 and at most at half the sampling "
            f"rate ({fs / 2:g} Hz at fs={fs:g}); set fs to the rate of the signals, or leave the "
            "notch out."
        )
    if not (q > 0 and freq / q < fs / 2):
        raise SignalError(
            f"a notch with q={q:g} is {freq / q if q > 0 else np.inf:g} Hz wide, more than the "
            f"whole band up to {fs / 2:g} Hz; take a larger q, such as 30."
        )


@_kept
def bandpass_gain(n: int, fs: float, lowcut: float, highcut: float, order: int) -> np.ndarray:
    r"""Gain of a Butterworth band-pass run forwards and backwards, at the bins of a real FFT.

    With :math:`\Omega = \tan(\pi f / f_s)`, the bilinear transform of the Butterworth band-pass
    has the squared magnitude

    .. math:: 1 / \left(1 + \left(\frac{\Omega^2 - \Omega_l \Omega_h}
        {\Omega (\Omega_h - \Omega_l)}\right)^{2 \cdot order}\right)

    Parameters
    ----------
    n : int
        Length of the FFT.
    fs, lowcut, highcut : float
        In Hz.
    order : int
        Order of the low-pass prototype, as in :func:`scipy.signal.butter`.

    Returns
    -------
    ndarray of shape (n // 2 + 1,)
        Between 0 and 1, exactly 0 at 0 Hz; read-only.

    Examples
    --------
    >>> gain = bandpass_gain(200, 100.0, 0.5, 40.0, 3)
    >>> gain[[0, 1, 20, 80]].round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    low, high = np.tan(np.pi * lowcut / fs), np.tan(np.pi * highcut / fs)
    omega = np.tan(np.pi * np.arange(1, (n + 1) // 2) / n)
    gain = np.zeros(n // 2 + 1)
    ratio = (omega**2 - low * high) / (omega * (high - low))
    with np.errstate(over="ignore"):
        gain[1 : len(omega) + 1] = 1 / (1 + ratio ** (2 * order))
    gain.flags.writeable = False
    return gain


@_kept
def notch_gain(n: int, fs: float, freq: float, q: float) -> np.ndarray:
    r"""Gain of a second-order notch run forwards and backwards, at the bins of a real FFT.

    With :math:`\beta = \tan(\pi f_0 / (q f_s))`, the squared magnitude of the bilinear transform
    of the second-order notch is

    .. math:: \frac{(\cos\omega - \cos\omega_0)^2}
        {(\cos\omega - \cos\omega_0)^2 + \beta^2 \sin^2\omega}

    which has a limit at :math:`\omega_0 = \pi` too, where the recursive filter does not exist.

    Parameters
    ----------
    n : int
        Length of the FFT.
    fs, freq : float
        In Hz.
    q : float
        Quality factor: `freq` over the width between the half-power points of one pass.

    Returns
    -------
    ndarray of shape (n // 2 + 1,)
        Between 0 and 1, exactly 0 at `freq` where that is a bin; read-only.

    Examples
    --------
    >>> notch_gain(100, 100.0, 50.0, 30.0)[[0, 49, 50]].round(2).tolist()
    [1.0, 0.26, 0.0]
    """
    omega = 2 * np.pi * np.arange(n // 2 + 1) / n
    # cos a - cos b as a product keeps its precision next to the notch
    omega0 = 2 * np.pi * freq / fs
    top = (2 * np.sin((omega0 + omega) / 2) * np.sin((omega0 - omega) / 2)) ** 2
    bottom = top + (np.tan(np.pi * freq / q / fs) * np.sin(omega)) ** 2
    gain = np.ones(n // 2 + 1)
    np.divide(top, bottom, out=gain, where=bottom > 0)
    gain[np.isclose(omega, omega0, rtol=1e-12, atol=0)] = 0.0
    gain.flags.writeable = False
    return gain


@_kept
def antialiasing_gain(n: int, up: int, down: int) -> np.ndarray:
    """Gain of the filter of `resample` at the bins of a real FFT of signals at the rate before it.

    It is that of :func:`scipy.signal.resample_poly`: a sinc of 10 zero crossings on either side
    under a Kaiser window, without a phase.

    Parameters
    ----------
    n : int
        Length of the FFT.
    up, down : int
        As `rate_ratio` gives them.

    Returns
    -------
    ndarray of shape (n // 2 + 1,)
        About 1 below, and 0 above half the lower of both rates; read-only.

    Examples
    --------
    >>> antialiasing_gain(100, 1, 5)[[0, 8, 10, 50]].round(2).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """
    from scipy import signal as sps

    reach = 10 * max(up, down)
    taps = sps.firwin(2 * reach + 1, 1 / max(up, down), window=("kaiser", 5.0))
    omega = 2 * np.pi * np.arange(n // 2 + 1) / (n * up)
    gain = np.full(n // 2 + 1, taps[reach])
    for k in range(1, reach + 1):
        gain += 2 * taps[reach + k] * np.cos(k * omega)
    gain.flags.writeable = False
    return gain


def bandpass(
    x: np.ndarray,
    *,
    fs: float,
    lowcut: float = 0.5,
    highcut: float = 40.0,
    order: int = 3,
    fs_out: float | None = None,
) -> np.ndarray:
    """Pass the frequencies between two, without shifting them in time.

    The magnitude is that of a digital Butterworth band-pass run forwards and backwards, as in
    :func:`scipy.signal.sosfiltfilt`: half the amplitude at `lowcut` and `highcut`.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
        At least 2 samples.
    fs : float
        Sampling rate in Hz.
    lowcut, highcut : float, default=0.5, 40.0
        In Hz; ``0 < lowcut < highcut < fs / 2``.
    order : int, default=3
        Order of the low-pass prototype, at least 1.
    fs_out : float, optional
        Sampling rate of the result in Hz, above twice `highcut`; that of `x` by default. It comes
        out of the same FFT: the spectrum is cut, by the filter that `resample` has.

    Returns
    -------
    ndarray of shape (..., n_samples), or (..., ceil(n_samples * fs_out / fs))
        float32 stays float32; sample 0 stays at time 0.

    Raises
    ------
    SignalError
        If the band does not exist at one of the rates, their ratio is not close to one of integers
        up to 1000, or there are fewer than 2 samples.

    References
    ----------
    .. [1] S. Butterworth, "On the theory of filter amplifiers", Experimental Wireless & the
       Wireless Engineer 7, 536-541, 1930.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(1000) / 100
    >>> wander, tone = np.sin(2 * np.pi * 0.1 * t), np.sin(2 * np.pi * 10 * t)
    >>> error = bandpass(wander + tone, fs=100) - tone
    >>> bool(np.abs(error[200:-200]).max() < 0.02)
    True
    """
    check_band(fs, lowcut, highcut)
    if order < 1:
        raise SignalError(f"order must be at least 1, got {order}.")
    up, down = (1, 1) if fs_out is None else rate_ratio(fs, fs_out)
    if up != down:
        check_band(fs * up / down, lowcut, highcut)

    def gain(n):
        weights = bandpass_gain(n, float(fs), float(lowcut), float(highcut), int(order))
        return weights if up == down else weights * antialiasing_gain(n, up, down)

    n, width = np.shape(x)[-1], round(0.1 * fs / lowcut)
    fade = _fade(max(0, min(width, n - 1)))

    def mirror(rows, pad):
        out = np.zeros((len(rows), pad), rows.dtype)
        out[:, : len(fade)] = rows[:, 1 : len(fade) + 1] * fade.astype(rows.dtype)
        return out

    pad = max(len(fade), _padding(0.5 * fs / lowcut, n))
    return _zero_phase(x, gain, mirror, pad=pad, width=width, keep_line=False, ratio=(up, down))


def notch(x: np.ndarray, *, fs: float, freq: float = 50.0, q: float = 30.0) -> np.ndarray:
    """Take out one frequency, without shifting the others in time.

    The magnitude is that of a second-order notch run forwards and backwards. At ``freq == fs / 2``
    it is the limit of that.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
        At least 2 samples.
    fs : float
        Sampling rate in Hz.
    freq : float, default=50.0
        Frequency to take out, in Hz; ``0 < freq <= fs / 2``. Mains are at 50 or 60 Hz.
    q : float, default=30.0
        Quality factor: `freq` over the width of the notch.

    Returns
    -------
    ndarray of shape (..., n_samples)
        float32 stays float32.

    Raises
    ------
    SignalError
        If the notch does not exist at this rate, or there are fewer than 2 samples.

    Examples
    --------
    >>> import numpy as np
    >>> hum = np.sin(2 * np.pi * 50 * np.arange(2500) / 500)
    >>> bool(np.abs(notch(hum, fs=500)[500:-500]).max() < 0.01)
    True
    """
    check_notch(fs, freq, q)

    def gain(n):
        return notch_gain(n, float(fs), float(freq), float(q))

    n = np.shape(x)[-1]
    pad = _padding(2 * fs * q / freq, n)
    near = np.arange(max(1, min(n, round(20 * fs / freq))))
    fit = np.linalg.pinv(_tone(near, freq / fs, constant=True), rcond=1e-6)[:2]
    beyond = _tone(-np.arange(1, pad + 1), freq / fs).T * _fade(pad)

    def hum(rows, pad):
        out = np.zeros((len(rows), pad), rows.dtype)
        for weights, wave in zip(fit.astype(rows.dtype), beyond.astype(rows.dtype), strict=True):
            # a matrix product could round differently with the number of rows
            out += (rows[:, : len(near)] * weights).sum(axis=1, keepdims=True) * wave
        return out

    return _zero_phase(x, gain, hum, pad=pad, width=round(fs / freq), keep_line=True)


def _padding(wanted, n):
    """Round a padding, with a bound that matters for a few samples at a high rate only."""
    return max(1, min(round(wanted), 2 * max(n, 64)))


def _tone(at, cycles, *, constant=False):
    phase = 2 * np.pi * cycles * at
    columns = [np.cos(phase), np.sin(phase)] + [np.ones(len(at))] * constant
    return np.stack(columns, axis=1)


def _fade(n):
    return np.cos(np.linspace(0, np.pi / 2, n + 1)[1:]) ** 2


def _zero_phase(x, gain, beyond, *, pad, width, keep_line, ratio=(1, 1)):
    """Multiply the spectrum of each row by a real gain.

    `beyond(rows, pad)` continues rows to the left, nearest sample first; `width` is the number of
    samples at either end whose means define the line. `ratio` is that of the rates after and
    before; the line can be kept only where they are one.
    """
    n = np.shape(x)[-1]
    if n < 2:
        raise SignalError(f"a filter needs at least 2 samples, got n_samples={n}.")
    width = max(1, min(width, n // 2))
    up, down = ratio
    # sample 0 and the whole length lie on samples of both rates
    pad = -(-pad // down) * down
    length = down * fft.next_fast_len(-(-(n + 2 * pad) // down), real=True)
    length_out, first = length // down * up, pad // down * up
    n_out = -(-n * up // down)
    ramp = (np.arange(n) - (width - 1) / 2) / (n - width)
    weights = gain(length)

    def filter_rows(rows):
        buffer = np.zeros((len(rows), length), rows.dtype)
        middle = buffer[:, pad : pad + n]
        np.subtract(rows, rows[:, :1], out=middle)
        start = middle[:, :width].mean(axis=1, keepdims=True)
        rise = middle[:, -width:].mean(axis=1, keepdims=True) - start
        line = rise * ramp.astype(rows.dtype)
        line += start
        middle -= line
        buffer[:, :pad] = beyond(middle, pad)[:, ::-1]
        buffer[:, pad + n : 2 * pad + n] = beyond(middle[:, ::-1], pad)
        spectrum = fft.rfft(buffer, axis=-1)
        spectrum *= weights.astype(rows.dtype)
        spectrum = _at_rate(spectrum, length, length_out)
        result = fft.irfft(spectrum, length_out, axis=-1, overwrite_x=True)
        result = result[:, first : first + n_out]
        if keep_line:
            result += line
            result += rows[:, :1]
        return result

    return map_rows(filter_rows, x, n_out)


def _at_rate(spectrum, length, length_out):
    """Return the spectrum of rows that are sampled at another rate, for an FFT of `length_out`."""
    if length_out == length:
        return spectrum
    out = np.zeros((len(spectrum), length_out // 2 + 1), spectrum.dtype)
    shared = min(out.shape[1], spectrum.shape[1])
    out[:, :shared] = spectrum[:, :shared]
    # what the filter leaves above half the new rate comes back mirrored
    above = np.arange(-(-length_out // 2), min(length_out, length // 2) + 1)
    out[:, length_out - above] += spectrum[:, above].conj()
    out *= spectrum.real.dtype.type(length_out / length)
    return out
