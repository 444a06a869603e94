"""List the commands for maintainers, each with what it does."""

import ast
from pathlib import Path

HERE = Path(__file__).parent


def commands() -> dict[str, str]:
    """What can be typed after ``python -m``, and the first line of its docstring. Read, not imported."""
    found = {}
    for path in sorted(HERE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        name = ".".join(path.relative_to(HERE.parent).with_suffix("").parts).removesuffix(".__main__")
        if "check" in functions:  # one of those that tools.checks runs
            name = " ".join(name.rsplit(".", 1))
        if functions & {"main", "check"} and name != "tools":
            found[name] = ast.get_docstring(tree).partition("\n")[0]
    return dict(sorted(found.items()))


def main() -> None:
    """The command."""
    known = commands()
    width = max(map(len, known))
    for name, does in known.items():
        print(f"python -m {name:{width}}  {does}")


if __name__ == "__main__":
    main()
