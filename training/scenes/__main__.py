"""python -m training.scenes sheet | check | speed"""
import argparse
import time

from .palette import STYLES


def main():
    parser = argparse.ArgumentParser(prog="python -m training.scenes")
    commands = parser.add_subparsers(dest="command", required=True)
    sheet = commands.add_parser("sheet", help="draw a contact sheet")
    sheet.add_argument("--seed", type=int, default=0)
    sheet.add_argument("--count", type=int, default=64)
    sheet.add_argument("--size", type=int, default=256)
    sheet.add_argument("--style", choices=STYLES, default="base")
    sheet.add_argument("--aspect", type=float, default=None, help="width / height; a mixture if not given")
    sheet.add_argument("--out", default="sheet.png")
    sheet.add_argument("--captions", action="store_true")
    speed = commands.add_parser("speed", help="measure pictures per second")
    speed.add_argument("--size", type=int, default=128)
    speed.add_argument("--count", type=int, default=500)
    speed.add_argument("--style", choices=STYLES, default="base")
    commands.add_parser("check", help="test the generator")
    args = parser.parse_args()
    {"sheet": _sheet, "speed": _speed, "check": _check}[args.command](args)


def _sheet(args):
    from .sheet import contact_sheet
    contact_sheet(args.seed, args.count, args.size, args.style, args.aspect, args.captions).save(args.out)


def _speed(args):
    from . import caption, render, sample_scene
    start = time.perf_counter()
    for seed in range(args.count):
        scene = sample_scene(seed)
        render(scene, args.size, args.size, args.style)
        caption(scene, seed, args.style)
    print(f"{args.count / (time.perf_counter() - start):.0f} pictures/s at {args.size} px, {args.style}, one process")


def _check(_args):
    from .check import check_all
    check_all()


if __name__ == "__main__":
    main()
