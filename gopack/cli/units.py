"""Numbers as a person reads them."""

_STEPS = ("B", "kB", "MB", "GB", "TB")


def human_bytes(size_bytes: float) -> str:
    """Give a size in decimal units, three digits.

    >>> human_bytes(999), human_bytes(565_400_000), human_bytes(12_345)
    ('999 B', '565 MB', '12.3 kB')
    """
    size, unit = float(size_bytes), 0
    while size >= 999.5 and unit < len(_STEPS) - 1:
        size, unit = size / 1000, unit + 1
    if unit == 0 or size >= 99.95:
        return f"{size:.0f} {_STEPS[unit]}"
    return f"{size:.1f} {_STEPS[unit]}"


def human_duration(seconds: float) -> str:
    """Give a time span.

    >>> human_duration(3.21), human_duration(75), human_duration(7322)
    ('3.2 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
