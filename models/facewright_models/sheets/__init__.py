"""Contact sheets: pictures to judge models by."""

from facewright_models.sheets.characters import characters_sheet
from facewright_models.sheets.expressions import expressions_sheet
from facewright_models.sheets.fits import fits_sheet
from facewright_models.sheets.parsing import parsing_sheet

__all__ = ["characters_sheet", "expressions_sheet", "fits_sheet", "parsing_sheet"]
