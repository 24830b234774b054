"""Finishes: what a style does with the finished drawing. Each takes a picture of floats in 0..1, shape
[height, width, 3], its unit (pixels of the shorter side) and a random generator, and returns such a picture.
Nothing moves: the composition is that of the drawing."""
import numpy as np

CREAM, INK, LEAD = (np.array(c, np.float32) for c in ((.95, .90, .77), (.11, .07, .08), (.05, .045, .06)))
DRAFTING_BLUE = np.array((.06, .20, .47), np.float32)
MIDNIGHT = np.array((.035, .015, .085), np.float32)


def blueprint(picture, unit, rng):
    """Pale lines and tinted washes on drafting blue, with a grid and a ruled border."""
    light = luminance(picture)
    fill = DRAFTING_BLUE * (.55 + .95 * light) + (picture - light) * .50
    x, y = _coordinates(picture, unit)
    rule = 1 / 160
    fine = np.maximum(_ruled(x, 1 / 16, rule), _ruled(y, 1 / 16, rule))
    main = np.maximum(_ruled(x, 1 / 4, rule), _ruled(y, 1 / 4, rule))
    fill = fill + np.maximum(.11 * fine, .20 * main)[..., None] * (np.float32((.75, .9, 1)) - fill)
    pale = np.float32((.90, .96, 1)) + (picture - light) * .45
    lines = np.maximum(edges(picture, unit), _border(picture, unit, .030, .012))
    return _over(fill, pale, lines)


def woodcut(picture, unit, rng):
    """Black ink on cream paper: outlines, hatching as dense as the drawing is dark, and flat hand-laid colour."""
    light = luminance(_soften(picture, .012 * unit))[..., 0]
    wash = picture / np.maximum(picture.max(-1, keepdims=True), .25)
    wash = CREAM * (.36 + .64 * np.round(wash * 7) / 7)
    x, y = _coordinates(picture, unit)
    outlines = edges(picture, unit, low=.12, high=.24)
    busy = np.clip(_soften(outlines[..., None], .022 * unit)[..., 0] * 2.2 - .2, 0, 1)
    dark = np.clip(1.06 - 1.12 * light ** .75, 0, .78) * (1 - .75 * busy)
    cuts = _hatch(y + .18 * x + .010 * np.sin(9 * x + 2), 1 / 30, dark, unit)
    cross = _hatch(x - .55 * y + .010 * np.sin(8 * y), 1 / 30, np.clip(dark * 1.9 - 1.05, 0, .6), unit)
    night = _smooth((.34 - _soften(luminance(picture), .03 * unit)[..., 0]) / .1)
    ink = np.maximum(np.maximum(cuts, cross), outlines * (1 - night)) * (1 - outlines * night)
    margin = _inside(picture, unit) < .030
    ink = np.where(margin, 0, np.maximum(ink, _border(picture, unit, .034, .018)))
    return _over(np.where(margin[..., None], CREAM, wash), INK, ink)


def stained_glass(picture, unit, rng):
    """Panes of glowing colour between strips of lead; panes never cross an outline."""
    outlines = edges(picture, unit, low=.16, high=.3, reach=.009)
    cell, inner, border = _panes(picture, unit, rng)
    levels = np.minimum((_soften(picture, .004 * unit) * 5).astype(np.int64), 4)
    piece = ((cell * 5 + levels[..., 0]) * 5 + levels[..., 1]) * 5 + levels[..., 2]
    glass = _means(picture, piece)
    light = luminance(glass)
    glass = np.clip(light + (glass - light) * 1.75, 0, 1) ** .8
    shine = 1.16 - .5 * inner + .16 * (np.sin(cell * 12.9898) * 43758.5453 % 1) - .08
    busy = np.clip(_soften(outlines[..., None], .035 * unit)[..., 0] * 3.2 - .25, 0, 1)
    strips = np.clip(1.6 - border / .0075, 0, 1) * (1 - busy)
    lead = np.maximum.reduce([outlines, strips, _border(picture, unit, .0, .05)])
    return _over(np.clip(glass * shine[..., None] + .05, 0, 1), LEAD, lead)


def night_neon(picture, unit, rng):
    """Every outline is a glowing tube in the colour of what it surrounds; the rest lies in the dark."""
    light = luminance(picture)
    weight = light ** 2 + .01
    lit = _soften(picture * weight, .008 * unit) / _soften(weight, .008 * unit)
    grey = lit.min(-1, keepdims=True)
    tube = lit - .72 * grey
    tube = tube / np.maximum(tube.max(-1, keepdims=True), .12)
    lines = edges(picture, unit, low=.1, high=.24, reach=.007)[..., None]
    busy = _soften(lines, .05 * unit)
    halo = (1.5 * _soften(lines * tube, .018 * unit) + .9 * _soften(lines * tube, .05 * unit)) / (1 + 6 * busy ** 1.5)
    fill = MIDNIGHT + .30 * picture * (.35 + .65 * light)
    core = np.clip(tube * .82 + .30 * lines ** 2 * (1 - busy), 0, 1)
    return 1 - (1 - fill) * (1 - np.clip(halo, 0, .92)) * (1 - lines * core)


def luminance(picture):
    """Rec. 709 weights on stored values: [height, width, 1]."""
    return picture @ np.float32((.2126, .7152, .0722))[:, None]


def edges(picture, unit, low=.11, high=.27, reach=.0065):
    """How much a pixel lies on a border of two colours, 0..1; a border is 2 * reach wide, in short-side units."""
    r = max(1, round(reach * unit))
    wide = np.pad(picture, ((r, r), (r, r), (0, 0)), "edge")
    across = wide[r:-r, 2 * r:] - wide[r:-r, :-2 * r]
    down = wide[2 * r:, r:-r] - wide[:-2 * r, r:-r]
    step = np.sqrt(np.maximum((across ** 2).sum(-1), (down ** 2).sum(-1)))
    return _smooth((step - low) / (high - low))


def _smooth(t):
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def _over(under, colour, cover):
    return under + (colour - under) * cover[..., None]


def _coordinates(picture, unit):
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return (x + .5) / unit, (y + .5) / unit


def _inside(picture, unit):
    """Distance to the picture's border in short-side units."""
    x, y = _coordinates(picture, unit)
    height, width = picture.shape[:2]
    return np.minimum(np.minimum(x, width / unit - x), np.minimum(y, height / unit - y))


def _border(picture, unit, start, width):
    """A ruled rectangle: 1 between start and start + width from the border."""
    d = _inside(picture, unit)
    return ((d >= start) & (d < start + max(width, 1 / unit))).astype(np.float32)


def _ruled(x, period, width):
    """1 on lines of the given width at every multiple of period, at least a pixel wide."""
    return (np.mod(x, period) < width).astype(np.float32)


def _hatch(across, period, share, unit):
    """Parallel strokes whose width is `share` of the period, with one pixel of soft edge."""
    wave = np.abs(np.mod(across / period, 1) * 2 - 1)
    soft = 1.2 / (period * unit)
    return np.where(share > .06, np.clip((share - wave) / soft + .5, 0, 1), 0)


def _panes(picture, unit, rng):
    """Voronoi cells of a jittered grid: their numbers, the distance from the cell's seed (0..1), and the distance
    to the next cell in short-side units."""
    x, y = _coordinates(picture, unit)
    size = 1 / 6
    columns, rows = int(np.ceil(picture.shape[1] / unit / size)) + 2, int(np.ceil(picture.shape[0] / unit / size)) + 2
    jitter = rng.uniform(.12, .88, (rows, columns, 2)).astype(np.float32)
    i, j = (y / size).astype(np.int64) + 1, (x / size).astype(np.int64) + 1
    best, second = (np.full(x.shape, 9, np.float32) for _ in range(2))
    cell = np.zeros(x.shape, np.int64)
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            a, b = np.clip(i + di, 0, rows - 1), np.clip(j + dj, 0, columns - 1)
            point = jitter[a, b]
            d = np.hypot((b - 1 + point[..., 0]) * size - x, (a - 1 + point[..., 1]) * size - y)
            nearer = d < best
            second = np.where(nearer, best, np.minimum(second, d))
            cell, best = np.where(nearer, a * columns + b, cell), np.where(nearer, d, best)
    return cell, np.clip(best / size, 0, 1), (second - best) / 2


def _means(picture, label):
    """The picture with every label's pixels replaced by their mean."""
    _, index = np.unique(label, return_inverse=True)
    index = index.reshape(-1)
    count = np.bincount(index)
    flat = picture.reshape(-1, 3)
    means = np.stack([np.bincount(index, flat[:, k]) / count for k in range(3)], -1)
    return means[index].reshape(picture.shape).astype(np.float32)


def _soften(picture, radius):
    """Two box blurs, close to a Gaussian of the given radius in pixels."""
    r = max(1, round(radius * 1.1))
    for _ in range(2):
        for axis in (0, 1):
            rows = np.moveaxis(picture, axis, 0)
            rows = np.concatenate([np.repeat(rows[:1], r + 1, 0), rows, np.repeat(rows[-1:], r, 0)])
            total = np.cumsum(rows, 0, dtype=np.float64)
            picture = np.moveaxis(((total[2 * r + 1:] - total[:-2 * r - 1]) / (2 * r + 1)).astype(np.float32), 0, axis)
    return np.ascontiguousarray(picture)
