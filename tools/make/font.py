"""Make the Chinese font of the pictures (needs Debian's package fonts-noto-cjk).

A part of Noto Sans CJK SC: the 3755 everyday characters (level 1 of the standard GB 2312), Chinese punctuation and the
book's rarer characters. It is stored with the package, so that a picture looks the same on every machine.
"""

from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection

from tools.book import ROOT

SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
TARGET = ROOT / "lossbook/fonts/NotoSansCJKsc-Subset.otf"
FAMILY = "Noto Sans CJK SC Subset"  # not the name of the whole font, which may be installed in another version
RARE = "熵阱阈姊缰镳"  # entropy, trap, threshold, sister, bridle, bit: outside level 1. A test names the next one.


def characters() -> str:
    """ASCII, the punctuation of GB 2312 (rows 1 and 3), its characters of level 1 (rows 16 to 55) and the rare ones."""
    ascii_ = "".join(map(chr, range(0x20, 0x7F)))
    rows = [1, 3, *range(16, 56)]
    gb2312 = bytes(byte for row in rows for cell in range(1, 95) for byte in (row + 0xA0, cell + 0xA0))
    return ascii_ + gb2312.decode("gb2312", errors="ignore") + RARE


def main() -> None:
    font = next(font for font in TTCollection(SOURCE).fonts if font["name"].getDebugName(1) == "Noto Sans CJK SC")
    # Pictures set single lines of upright text: no kerning, no vertical forms, no hints for small screens.
    options = Options(layout_features=[], hinting=False, drop_tables=["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx"])
    subsetter = Subsetter(options)
    subsetter.populate(text=characters())
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 4):
            record.string = FAMILY
        elif record.nameID == 6:
            record.string = FAMILY.replace(" ", "")
    font["head"].modified = font["head"].created  # the same bytes on every run
    font.recalcTimestamp = False
    font.save(TARGET)
    print(f"{TARGET.name}: {len(set(characters()))} characters, {TARGET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
