"""`python -m infra`: finds Node, which came as a wheel, before CDK is imported and starts it."""

from infra.node import use_wheel


def main() -> None:
    use_wheel()
    from infra.app import main as synthesize  # CDK starts Node when it is imported

    synthesize()


if __name__ == "__main__":
    main()
