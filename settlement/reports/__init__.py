"""Documents that people sign and file: a statement as workbook and as PDF, its picture, the advice on next year's budget."""
