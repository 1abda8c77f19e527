"""A refit checked against its rig: what is fixed, what changes, and whether that is possible at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.presets import Preset, preset_for
from facewright_models.fitting.refit_types import Refit
from facewright_models.rig import Character, ParameterKind, RigSchema, check_name, validate_character

__all__ = ["RefitPlan", "plan_refit"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RefitPlan:
    """`before` is the complete character that came, `changed` the same with what was named by value.

    `sliders` and `colors` are the names of those that keep their value from there.
    """

    before: Character
    changed: Character
    sliders: frozenset[str]
    colors: frozenset[str]
    preset: Preset | None
    strength: float


def plan_refit(schema: RigSchema, refit: Refit) -> RefitPlan:
    """Costs nothing, so that it can be asked before photos are read.

    Raises InvalidInputError and its kinds, with `field` as in `RefitCharacterRequest`; UnknownRigError.
    """
    given = refit.character
    before = _checked(schema, given, "character.")
    if not (given.sliders or given.styles or given.colors):
        raise InvalidInputError(
            "the character has no parameters; expected a save file, as a fit writes it; to make a character from "
            "photos alone, fit them",
            field="character",
        )
    locks = Character(
        rig=schema.name,
        rig_version=schema.version,
        sliders=refit.locked_sliders,
        styles=refit.locked_styles,
        colors=refit.locked_colors,
    )
    wanted = replace(locks, sliders={}, styles=refit.styles, colors=refit.colors)
    _checked(schema, locks, "locks.")
    _checked(schema, wanted, "")
    _check_kept(before, refit.kept)
    _check_agreement(before, refit)
    preset = None if refit.preset is None else preset_for(schema, refit.preset)
    asked = (
        refit.subject,
        preset,
        *locks.sliders,
        *locks.styles,
        *locks.colors,
        *wanted.styles,
        *wanted.colors,
    )
    if not any(asked):
        raise InvalidInputError(
            "nothing is to change; expected photos, a preset, a style, a colour, or a lock with a value",
            field="preset",
        )
    plan = RefitPlan(
        before=before,
        changed=replace(
            before,
            sliders={**before.sliders, **locks.sliders},
            styles={**before.styles, **locks.styles, **wanted.styles},
            colors={**before.colors, **locks.colors, **wanted.colors},
        ),
        sliders=frozenset(locks.sliders) | (before.sliders.keys() & set(refit.kept)),
        colors=frozenset(locks.colors) | frozenset(wanted.colors) | (before.colors.keys() & set(refit.kept)),
        preset=preset,
        strength=1.0 if refit.strength is None else refit.strength,
    )
    if preset is not None:
        _check_room(schema, preset, plan)
    return plan


def _checked(schema: RigSchema, named: Character, path: str) -> Character:
    """What is named must be there, and its values possible. The fields of errors become those of the request."""
    try:
        return validate_character(schema, named)
    except InvalidInputError as error:
        error.field = path + (error.field or "").removeprefix("character.")
        raise


def _check_kept(before: Character, kept: Sequence[str]) -> None:
    names: Mapping[str, object] = {**before.sliders, **before.styles, **before.colors}
    for index, name in enumerate(kept):
        try:
            check_name("parameter", name, names)
        except InvalidInputError as error:
            error.field = f"kept[{index}]"
            raise


def _check_agreement(before: Character, refit: Refit) -> None:
    """Nothing may have two values: kept, locked and wanted."""
    _agree("slider", before.sliders, refit.kept, refit.locked_sliders, {}, "sliders")
    _agree("style", before.styles, refit.kept, refit.locked_styles, refit.styles, "styles")
    _agree("colour", before.colors, refit.kept, refit.locked_colors, refit.colors, "colors")


def _agree(
    what: str,
    now: Mapping[str, T],
    kept: Sequence[str],
    locked: Mapping[str, T],
    wanted: Mapping[str, T],
    field: str,
) -> None:
    for name, value in locked.items():
        if name in kept and value != now[name]:
            raise _contradiction(
                what, name, f"locked to {value} and to its present {now[name]}", f"locks.{field}"
            )
    fixed = {**{name: now[name] for name in kept if name in now}, **locked}
    for name, value in wanted.items():
        if name in fixed and value != fixed[name]:
            raise _contradiction(what, name, f"locked to {fixed[name]}, and {value} is wanted of it", field)


def _contradiction(what: str, name: str, how: str, field: str) -> InvalidInputError:
    return InvalidInputError(
        f"{what} '{name}' is {how}; leave one of the two out",
        field=f"{field}[{name}]",
        metadata={"name": name},
    )


def _check_room(schema: RigSchema, preset: Preset, plan: RefitPlan) -> None:
    """The preset must have something of its own left to move."""
    moved = [name for name in preset.sliders if name in schema.continuous_names]
    if preset.exaggeration:
        moved = [p.name for p in schema.of_kind(ParameterKind.CONTINUOUS)]
    if moved and all(name in plan.sliders for name in moved):
        raise InvalidInputError(
            f"all sliders that the preset '{preset.name}' moves are locked: {', '.join(moved[:6])}; unlock some, or "
            "leave the preset out",
            field="preset",
            metadata={"preset": preset.name},
        )
