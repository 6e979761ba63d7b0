"""Words of a point's record on screens: causes of gaps, claims and how they stand, kinds of changes. Message ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.web.words import N_
from monitor.points import Kind

GAP_ZH: Mapping[str, str] = {
    "restart": N_("监测重启"),
    "stopped": N_("监测停止"),
    "stalled": N_("监测停顿"),
    "clock": N_("时钟调整"),
    "mass-failure": N_("疑似监测端断网"),
    "overflow": N_("缓冲溢出"),
}
CLAIM_ZH: Mapping[str, str] = {
    "": N_("剔除"),
    "online": N_("补判为在线"),
    "offline": N_("补判为离线"),
}
STATUS_ZH: Mapping[str, str] = {
    "pending": N_("待审批"),
    "approved": N_("已同意"),
    "withdrawn": N_("已撤回"),
    "revocation": N_("撤回申请"),
}
KIND_ZH: Mapping[str, str] = {
    Kind.NEW.value: N_("新增"),
    Kind.RELOCATED.value: N_("迁移"),
    Kind.REPLACED.value: N_("更换"),
    Kind.RECODED.value: N_("编码变更"),
    Kind.RETIRED.value: N_("点位停用"),
    Kind.RESTORED.value: N_("更正停用"),
    Kind.VACATED.value: N_("设备移出"),
    Kind.CHANGED.value: N_("变更"),
    Kind.UNCHANGED.value: N_("不变"),
    "paused": N_("暂停计费"),
    "resumed": N_("恢复计费"),
    "removed": N_("拆除"),
}
"""Kinds of changes: those of an import, and three that only dates tell of."""
KIND_TONE: Mapping[str, str] = {
    "new": "good",
    "relocated": "plan",
    "replaced": "plan",
    "recoded": "plan",
    "retired": "bad",
    "removed": "bad",
    "vacated": "warn",
    "paused": "warn",
    "resumed": "good",
}


def lasting(seconds: int, say: Callable[[str], str]) -> str:
    """Write a span of seconds in its two largest units, as templates do."""
    left, parts = seconds, []
    for size, unit in ((86_400, N_("天")), (3_600, N_("小时")), (60, N_("分")), (1, N_("秒"))):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {say(unit)}")
    return " ".join(parts[:2]) or f"0 {say('秒')}"
