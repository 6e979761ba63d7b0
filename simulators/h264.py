"""H.264 units of the fake cameras' picture (ITU-T H.264 sections 7.3.2.1, 7.3.2.2, 7.3.3, 7.3.4; Exp-Golomb 9.1).

Constrained Baseline without an encoder: macroblocks are written as they are (I_PCM) or skipped, so that what a decoder
shows is known to the byte. A unit is a NAL unit, header included, without start code.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

WIDTH_MACROBLOCKS = 4
HEIGHT_MACROBLOCKS = 3
"""64 × 48 pixels: a macroblock is 16 × 16."""
MACROBLOCKS = WIDTH_MACROBLOCKS * HEIGHT_MACROBLOCKS
MACROBLOCK_BYTES = 16 * 16 + 2 * 8 * 8
"""Luma, then both chroma planes at half size (4:2:0)."""

_PROFILE_BASELINE = 66
_CONSTRAINTS = 0xC0
_LEVEL_3_0 = 30


class _Bits:
    """A bit string, most significant bit first."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def put(self, value: int, width: int) -> None:
        self._bits += [value >> shift & 1 for shift in range(width - 1, -1, -1)]

    def golomb(self, value: int) -> None:
        """Append ue(v), the unsigned Exp-Golomb code."""
        width = (value + 1).bit_length()
        self.put(0, width - 1)
        self.put(value + 1, width)

    def aligned(self, payload: bytes) -> None:
        """Append zero bits to the byte's end, then whole bytes."""
        self.put(0, -len(self._bits) % 8)
        self.put(int.from_bytes(payload), 8 * len(payload))

    def trailed(self) -> bytes:
        """Return the bytes with rbsp_trailing_bits: a one, then zeros to the byte's end."""
        bits = [*self._bits, 1]
        bits += [0] * (-len(bits) % 8)
        return bytes(int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits), 8))


def _escaped(payload: bytes) -> bytes:
    """Insert emulation prevention bytes (7.4.1.1), so that no start code appears inside a unit."""
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def sequence_parameters() -> bytes:
    """Return the sequence parameter set as one NAL unit, header included, without start code."""
    bits = _Bits()
    for byte in (_PROFILE_BASELINE, _CONSTRAINTS, _LEVEL_3_0):
        bits.put(byte, 8)
    bits.golomb(0)  # seq_parameter_set_id
    bits.golomb(0)  # log2_max_frame_num_minus4
    bits.golomb(2)  # pic_order_cnt_type 2: output order is decoding order
    bits.golomb(1)  # max_num_ref_frames
    bits.put(0, 1)  # gaps_in_frame_num_value_allowed_flag
    bits.golomb(WIDTH_MACROBLOCKS - 1)
    bits.golomb(HEIGHT_MACROBLOCKS - 1)
    bits.put(1, 1)  # frame_mbs_only_flag
    bits.put(1, 1)  # direct_8x8_inference_flag
    bits.put(0, 1)  # frame_cropping_flag
    bits.put(0, 1)  # vui_parameters_present_flag
    return b"\x67" + _escaped(bits.trailed())


def picture_parameters() -> bytes:
    """Return the picture parameter set as one NAL unit, header included, without start code."""
    bits = _Bits()
    bits.golomb(0)  # pic_parameter_set_id
    bits.golomb(0)  # seq_parameter_set_id
    bits.put(0, 2)  # entropy_coding_mode_flag (CAVLC), bottom_field_pic_order_in_frame_present_flag
    for _ in range(3):
        bits.golomb(0)  # num_slice_groups_minus1, num_ref_idx_l0/l1_default_active_minus1
    bits.put(0, 3)  # weighted_pred_flag, weighted_bipred_idc
    for _ in range(3):
        bits.golomb(0)  # pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset: se(0) = ue(0)
    bits.put(0b100, 3)  # deblocking_filter_control_present, constrained_intra_pred, redundant_pic_cnt_present
    return b"\x68" + _escaped(bits.trailed())


_I_PCM = 25
_P_INTRA = 5
"""Intra macroblock types are counted on from 5 in a P slice (table 7-13)."""


def key_picture(macroblocks: Sequence[bytes], idr_pic_id: int) -> bytes:
    """Return an IDR picture of all its macroblocks. Two IDR pictures in a row must differ in `idr_pic_id`."""
    if len(macroblocks) != MACROBLOCKS:
        raise ValueError("a key picture has every macroblock")
    bits = _Bits()
    bits.golomb(0)  # first_mb_in_slice
    bits.golomb(7)  # slice_type: I, as all of the picture
    bits.golomb(0)  # pic_parameter_set_id
    bits.put(0, 4)  # frame_num
    bits.golomb(idr_pic_id)
    bits.put(0, 2)  # no_output_of_prior_pics_flag, long_term_reference_flag
    _finish_header(bits)
    for macroblock in macroblocks:
        bits.golomb(_I_PCM)
        bits.aligned(_whole(macroblock))
    return b"\x65" + _escaped(bits.trailed())


def next_picture(changed: Mapping[int, bytes], frame_num: int) -> bytes:
    """Return a picture that repeats the one before but for the macroblocks given by number; `frame_num` 1..15."""
    bits = _Bits()
    bits.golomb(0)  # first_mb_in_slice
    bits.golomb(5)  # slice_type: P, as all of the picture
    bits.golomb(0)  # pic_parameter_set_id
    bits.put(frame_num, 4)
    bits.put(0, 3)  # num_ref_idx_active_override, ref_pic_list_modification_l0, adaptive_ref_pic_marking_mode
    _finish_header(bits)
    at = 0
    for number in sorted(changed):
        bits.golomb(number - at)  # mb_skip_run
        bits.golomb(_P_INTRA + _I_PCM)
        bits.aligned(_whole(changed[number]))
        at = number + 1
    if at < MACROBLOCKS:
        bits.golomb(MACROBLOCKS - at)
    return b"\x41" + _escaped(bits.trailed())


def _finish_header(bits: _Bits) -> None:
    bits.golomb(0)  # slice_qp_delta: se(0)
    bits.golomb(1)  # disable_deblocking_filter_idc: what is shown stays what was written


def _whole(macroblock: bytes) -> bytes:
    if len(macroblock) != MACROBLOCK_BYTES:
        raise ValueError(f"a macroblock has {MACROBLOCK_BYTES} bytes")
    return macroblock


def format_parameters() -> str:
    """Return the SDP fmtp value of RFC 6184 for this picture, without the payload type."""
    sps, pps = sequence_parameters(), picture_parameters()
    sets = ",".join(base64.b64encode(unit).decode() for unit in (sps, pps))
    return f"packetization-mode=1;profile-level-id={sps[1:4].hex().upper()};sprop-parameter-sets={sets}"
