"""Prompt features: rows stand for parameters, and a prompt has the features that it is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.stand_in import StandIn
from urial_opt.prompt import Exemplar
from urial_opt.search.local_search import _Changes, random_row
from urial_opt.search.prompt_features import Features

SPACE = StandIn(seed=0)


def test_rows_stand_for_params_and_back() -> None:
    features = Features(SPACE)
    rng = np.random.default_rng(2)
    for _ in range(200):
        row = random_row(features, rng)
        params = features.params(row)
        np.testing.assert_array_equal(features.row(params), row)
        assert ("clause_clause0" in params) == (params["system"] == "composed")


def test_features_of_a_prompt_are_what_it_is_made_of() -> None:
    features = Features(SPACE)
    slots = {"exemplar_0": "q9/warm", "exemplar_1": "q2/warm", "exemplar_2": "q9/terse", "exemplar_3": "q10/terse"}
    params = {"system": "system1", "k": 4, "repetition_penalty": 1.1, **slots}
    counted = features.design(features.row(params)[None])[0]
    bag = {features.names[i]: counted[i] for i in np.flatnonzero(counted)}
    # q9/terse repeats a query and is left out
    assert bag == dict.fromkeys(
        """intercept|system system1|decoding repetition_penalty 1.1|k #1|k #2|k #3|style warm #1|style warm #2
        |style terse #1|kind regular #1|kind regular #2|kind safety #1|style of kind warm regular
        |style of kind warm safety
        |style of kind terse regular|exemplar q9/warm|exemplar q2/warm|exemplar q10/terse|query what is thing 9
        |query what is thing 2|query what is thing 10|first warm regular|last terse regular
        |last of kind terse regular|last of kind warm safety
        |style under system system1, terse""".replace("\n        ", "").split("|"),
        1.0,
    ) | {"style under system system1, warm": 2.0}


def test_changes_stay_inside_the_space_and_reach_every_part() -> None:
    features = Features(replace(SPACE, k_min=1, k_max=3))
    rng = np.random.default_rng(3)
    changes = _Changes(features, rng.normal(size=len(features.names) + 1))
    seen: set[Any] = set()
    for _ in range(50):
        row = random_row(features, rng)
        for near in changes.of(row):
            exemplars = near[features.slots :]
            chosen = exemplars[exemplars >= 0]
            assert 1 <= chosen.size <= 3
            assert (exemplars[chosen.size :] == -1).all()
            assert len(set(features.query[chosen])) == chosen.size
            seen |= set(np.flatnonzero(near[: features.slots] != row[: features.slots]))
            seen.add(("size", chosen.size - (row[features.slots :] >= 0).sum()))
    assert seen >= {0, *range(1, features.slots), ("size", -1), ("size", 0), ("size", 1)}


def test_a_written_part_has_the_features_of_its_ancestors() -> None:
    written = {
        "child": Exemplar(query="Why?", answer="So.", style="warm", tags=("regular",)),
        "grandchild": Exemplar(query="Why not?", answer="No.", style="warm", tags=("regular",)),
    }
    key = next(iter(SPACE.exemplars))
    space = replace(
        SPACE,
        exemplars={**SPACE.exemplars, **written},
        systems=(*SPACE.systems, "new"),
        parents={"child": (key, "q2/warm"), "grandchild": ("child",), "new": ("system1",)},
    )
    features = Features(space)

    def bag(**params: Any) -> set[str]:
        counted = features.design(features.row({"repetition_penalty": 1.1, **params})[None])[0]
        return {features.names[i] for i in np.flatnonzero(counted) if features.groups[i] in ("exemplar", "system")}

    family = {"exemplar grandchild", "exemplar child", f"exemplar {key}"}
    assert bag(system="new", k=1, exemplar_0="grandchild") == {"system new", "system system1", *family}
    assert bag(system="none", k=1, exemplar_0=key) == {"system none", f"exemplar {key}"}
