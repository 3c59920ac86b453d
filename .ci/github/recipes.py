#!/usr/bin/env python3
"""Writes each YAML recipe of the documents as a whole workflow, so that it can be checked: recipes.py FOLDER FILE…

A recipe is a whole workflow, one without its trigger, a job's steps, or another CI's (GitLab's, in `FOLDER/gitlab`). What stands for
the reader's own values is filled in."""

import pathlib
import re
import sys

JOB = "on: push\npermissions: {}\njobs:\n  memory:\n    runs-on: ubuntu-latest\n"


def whole(recipe: str) -> str | None:
    """The recipe as a workflow; None where it is none of GitHub's."""
    first = recipe.lstrip("\n").split("\n", 1)[0]
    if re.search(r"^on:", recipe, re.M):
        return recipe
    if re.match(r"(permissions|jobs|env):", first):
        return "on: push\n" + recipe
    if re.match(r" {6}- ", first):
        return JOB + "    steps:\n" + recipe
    return None


folder = pathlib.Path(sys.argv[1])
(folder / "gitlab").mkdir(parents=True)
count = 0
for name in sys.argv[2:]:
    text = pathlib.Path(name).read_text()
    for recipe in re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S):
        recipe = recipe.replace("OWNER", "o").replace("COMMIT", "0123456789" * 4)
        count += 1
        file = f"{count}-{pathlib.Path(name).stem}.yml"
        workflow = whole(recipe)
        path = folder / "gitlab" / file if workflow is None else folder / file
        path.write_text(workflow or recipe)
print(f"{count} recipes")
assert count > 0
