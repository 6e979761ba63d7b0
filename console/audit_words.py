"""The audit log's own words as people say them: what was done, to which field, from where. Message ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.web.access import ROLE_ZH, Role
from console.web.words import N_

Say = Callable[[str], str]

ACTION_ZH: Mapping[str, str] = {
    "account.add": N_("开立账号"),
    "account.change": N_("修改账号"),
    "account.disable": N_("停用账号"),
    "account.enable": N_("启用账号"),
    "account.language": N_("更改界面语言"),
    "account.password": N_("修改或重置密码"),
    "archive.prune": N_("清理原始归档"),
    "authority.check": N_("复核公安数据"),
    "authority.import": N_("导入公安数据"),
    "authority.mapping": N_("保存公安数据列映射"),
    "authority.withdraw": N_("撤回公安数据"),
    "budget.set": N_("设置预算"),
    "camera.identity": N_("识别设备"),
    "challenge.add": N_("记入暗访核验"),
    "contract.add": N_("登记合同版本"),
    "contract.approve": N_("批准合同版本"),
    "corrections.approve": N_("同意补判"),
    "corrections.claim": N_("申请补判"),
    "corrections.revoke": N_("撤销补判"),
    "dispute.add": N_("提出异议"),
    "dispute.decide": N_("异议复核"),
    "document.add": N_("登记文件"),
    "events.import": N_("导入事件"),
    "evidence.rotate": N_("更换封存密钥"),
    "evidence.witness": N_("见证签名"),
    "exclusions.approve": N_("同意剔除"),
    "exclusions.claim": N_("申请剔除"),
    "exclusions.revoke": N_("撤销剔除"),
    "first.prepare": N_("准备首个管理员"),
    "gaps.import": N_("导入监测中断"),
    "invoice.add": N_("登记发票"),
    "invoice.credit": N_("登记红字发票"),
    "link.add": N_("开立评价链接"),
    "link.open": N_("打开评价链接"),
    "link.revoke": N_("撤销评价链接"),
    "month.close": N_("按月关账"),
    "pack.order": N_("申请证据包"),
    "payment.record": N_("登记支付"),
    "payment.reverse": N_("冲销支付"),
    "points.import": N_("导入点位台账"),
    "refund.record": N_("登记退款"),
    "runs.import": N_("导入监测记录"),
    "sample.add": N_("记入抽样核查"),
    "scorecard.add": N_("记入考核评分"),
    "session.end": N_("退出登录"),
    "session.end-all": N_("结束全部登录"),
    "session.open": N_("登录"),
    "statement.approve": N_("审批结算单"),
    "statement.check": N_("复核结算单"),
    "statement.confirm": N_("供应商确认结算单"),
    "statement.decide": N_("异议复核完毕"),
    "statement.dispute": N_("结算单有异议"),
    "statement.draft": N_("起草结算单"),
    "statement.issue": N_("出具结算单"),
    "statement.pay": N_("结算单已支付"),
    "statement.payment-reversed": N_("结算单的支付已冲销"),
    "statement.reconcile": N_("核对结算单"),
    "statement.request-payment": N_("申请支付"),
    "statement.return": N_("退回结算单"),
    "statement.silence": N_("异议期满未提异议"),
    "system.backup": N_("备份"),
    "system.backup-deleted": N_("删除备份"),
    "system.backup-fetched": N_("下载备份"),
    "system.restore": N_("恢复备份"),
    "token.add": N_("新建接口令牌"),
    "token.revoke": N_("撤销接口令牌"),
    "view.remove": N_("删除筛选"),
    "view.save": N_("保存筛选"),
    "workdays.import": N_("导入工作日历"),
}
FIELD_ZH: Mapping[str, str] = {
    "address": N_("地址"),
    "approved_by": N_("审批人"),
    "areas": N_("可见区域"),
    "bytes": N_("字节数"),
    "contracts": N_("可见合同"),
    "counts.changed": N_("变更点位"),
    "counts.new": N_("新增点位"),
    "counts.recoded": N_("编码变更点位"),
    "counts.relocated": N_("迁移点位"),
    "counts.replaced": N_("更换点位"),
    "counts.retired": N_("停用点位"),
    "counts.unchanged": N_("不变点位"),
    "display": N_("姓名"),
    "effective_from": N_("生效日"),
    "ended": N_("结束的登录"),
    "file": N_("文件"),
    "language": N_("界面语言"),
    "means": N_("方式"),
    "must_change": N_("须改密码"),
    "name": N_("名称"),
    "note": N_("补记编号"),
    "query": N_("筛选条件"),
    "reason": N_("事由"),
    "roles": N_("角色"),
    "rows": N_("行数"),
    "sessions_ended": N_("结束的登录"),
    "sha256": N_("文件指纹"),
    "source": N_("登录方式"),
    "state": N_("状态"),
    "supplier": N_("供应商"),
    "until": N_("有效至"),
    "version": N_("版本"),
    "with_keys": N_("含密钥"),
}
ORIGIN_ZH: Mapping[str, str] = {
    "api": N_("接口"),
    "cli": N_("命令行"),
    "console": N_("控制台"),
    "schedule": N_("计划任务"),
    "watch": N_("监测"),
}
VALUE_ZH: Mapping[tuple[str, str], str] = {
    ("means", "password"): N_("密码"),
    ("means", "oidc"): N_("统一认证"),
    ("means", "ldap"): N_("目录服务"),
    ("source", "local"): N_("本系统密码"),
    ("source", "oidc"): N_("统一认证"),
    ("source", "ldap"): N_("目录服务"),
    ("language", "zh"): N_("中文"),
}
TRUTH_ZH: Mapping[str, str] = {"true": N_("是"), "false": N_("否")}


def action_word(action: str, say: Say) -> str:
    """Return what was done; the log's own word for what has none."""
    return say(ACTION_ZH[action]) if action in ACTION_ZH else action


def field_word(name: str, say: Say) -> str:
    """Return a field's name; the log's own for what has none."""
    return say(FIELD_ZH[name]) if name in FIELD_ZH else name


def origin_word(origin: str, say: Say) -> str:
    """Return where a change came from."""
    return say(ORIGIN_ZH[origin]) if origin in ORIGIN_ZH else origin


def value_word(name: str, value: str, say: Say) -> str:
    """Return a field's value in one line: roles, ways of signing in and the like in words, a file by its name alone."""
    if name == "roles":
        return "、".join(say(ROLE_ZH[Role(role)]) if role in set(Role) else role for role in _listed(value))
    if name == "file":
        return value.rsplit("/", 1)[-1] or "—"
    if value in TRUTH_ZH:
        return say(TRUTH_ZH[value])
    return say(VALUE_ZH[name, value]) if (name, value) in VALUE_ZH else "、".join(_listed(value)) or "—"


def _listed(value: str) -> list[str]:
    """Return the members of a list as JSON writes it; anything else is one by itself."""
    if not (value.startswith("[") and value.endswith("]")):
        return [value]
    return [part.strip().strip('"') for part in value[1:-1].split(",")]
