"""H.264 parameter sets of the fake cameras' picture (ITU-T H.264 sections 7.3.2.1 and 7.3.2.2, Exp-Golomb 9.1).

The picture is Constrained Baseline without prediction: one reference-free stream that any decoder accepts.
"""

from __future__ import annotations

import base64

WIDTH_MACROBLOCKS = 20
HEIGHT_MACROBLOCKS = 15
"""320 × 240 pixels: a macroblock is 16 × 16."""

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
    bits.golomb(0)  # max_num_ref_frames
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


def format_parameters() -> str:
    """Return the SDP fmtp value of RFC 6184 for this picture, without the payload type."""
    sps, pps = sequence_parameters(), picture_parameters()
    sets = ",".join(base64.b64encode(unit).decode() for unit in (sps, pps))
    return f"packetization-mode=1;profile-level-id={sps[1:4].hex().upper()};sprop-parameter-sets={sets}"
