"""大写金额: an amount in the capital characters in which it is written on vouchers, so that no digit can be altered.

The rules are those of the payment and settlement forms: 整 closes an amount without fen; within a group of four digits
one or several zeros that are followed by a digit are one 零; a group, or the yuan, that ends in zeros takes none.
"""

from __future__ import annotations

DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_WAN, _YI = 10**4, 10**8
MOST_YUAN = 10**16
"""Above this a name for the place would have to be made up."""


def capitals(amount_fen: int) -> str:
    """Write fen in capital characters: 157540080 → "壹佰伍拾柒万伍仟肆佰元捌角整", -1 → "负壹分", 0 → "零元整".

    ValueError from 10^16 yuan on.
    """
    yuan, rest = divmod(abs(amount_fen), 100)
    if yuan >= MOST_YUAN:
        raise ValueError(f"an amount beyond what capital characters are used for: {amount_fen} fen")
    jiao, fen = divmod(rest, 10)
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += f"{DIGITS[jiao]}角"
    elif fen and yuan:
        text += "零"
    text += f"{DIGITS[fen]}分" if fen else "整" if text else "零元整"
    return f"负{text}" if amount_fen < 0 else text


def _whole(number: int) -> str:
    """Write a positive whole number, group by group: 亿 above 万 above the four last digits."""
    for unit, name in ((_YI, "亿"), (_WAN, "万")):
        if number >= unit:
            high, low = divmod(number, unit)
            if not low:
                return f"{_whole(high)}{name}"
            gap = "零" if low < unit // 10 else ""  # the next group's first digit is a zero
            return f"{_whole(high)}{name}{gap}{_whole(low)}"
    return _four(number)


def _four(number: int) -> str:
    """Write 1 to 9999; zeros inside become one 零, zeros at either end none."""
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if not digit:
            gap = bool(text)
            continue
        text += f"{'零' if gap else ''}{DIGITS[digit]}{_PLACES[place]}"
        gap = False
    return text
