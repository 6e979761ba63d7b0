"""The authority's quarter as a workbook, for tests of the command line and of the console."""

from __future__ import annotations

from pathlib import Path

import xlsxwriter


def authority_workbook(path: Path, *, formulas: bool = True, signed: bool = True) -> bytes:
    """As an office sends it: title rows, merged two-row headings, percent texts, a total and, `signed`, who filled it in.

    With `formulas` the name that looks like one is one.
    """
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": formulas})
    sheet = book.add_worksheet("统计表")
    sheet.merge_range(0, 0, 0, 8, "某区公安局2020年第三季度视频监控在线率统计表")
    sheet.merge_range(1, 0, 1, 8, "新公视〔2020〕18号    填报日期：2020年10月9日")
    for at, text in enumerate(("序号", "设备编码", "点位名称")):
        sheet.merge_range(2, at, 3, at, text)
    for n, month in enumerate(("7月", "8月", "9月")):
        sheet.merge_range(2, 3 + 2 * n, 2, 4 + 2 * n, month)
        sheet.write_row(3, 3 + 2 * n, ["离线时长（小时）", "在线率(%)"])
    sheet.write_row(4, 0, [1, "36010012001320000001", "路口一", 0, "100%", 0, "100%", 0, "100%"])
    sheet.write_row(5, 0, [2, "36010012001320000002", "路口二", 0, "98.5%", 720, "3.23%", 0, "97％"])
    sheet.write_row(6, 0, [3, "36010012001320000903", "路口三", 0, "100%", 0, "100%", 0, "100%"])
    sheet.write_row(7, 0, [4, "36010012001320000777", "=HYPERLINK", 0, "50%", 0, "50%", 0, "50%"])
    sheet.write(8, 0, "合计")
    if signed:
        sheet.write_row(9, 0, ["填表人：王五", "", "", "审核人：赵六"])
    book.close()
    return path.read_bytes()
