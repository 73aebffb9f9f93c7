"""Landing, killed again and again, for as long as one likes; it ends at the first round that fails.

``python -m tests.kill_loop --rounds 40 --where azurite`` (or ``local``) does at length what
tests/test_land_once.py does for a moment.
"""

import argparse

from tests.kills import at, rounds


def main() -> None:
    """The loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--where", choices=["local", "azurite"], default="local")
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    with at(told.where) as place:
        rounds(place, told.rounds, told.seed, lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
