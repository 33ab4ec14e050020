"""The demo's chain: stores, people, goods in two languages. Data only.

Codes begin with 20: the range that GS1 leaves to a company's own use, so no
real article answers to them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

REGIONS = [{"code": "EAST", "name_en": "East China", "name_zh": "华东"}]


@dataclass(frozen=True)
class DemoStore:
    code: str
    name_en: str
    name_zh: str
    lat: float
    lon: float
    rank: int


STORES = (
    DemoStore("S001", "Shanghai Jing'an", "上海静安店", 31.2286, 121.4480, 10),
    DemoStore("S002", "Shanghai Xujiahui", "上海徐家汇店", 31.1957, 121.4374, 20),
    DemoStore("S003", "Suzhou Guanqian", "苏州观前店", 31.3113, 120.6297, 30),
    DemoStore("S004", "Hangzhou Hubin", "杭州湖滨店", 30.2554, 120.1644, 40),
)


@dataclass(frozen=True)
class DemoPerson:
    id: str
    name: str
    role: str
    store: str
    pin: str
    language: str
    region: str = ""


_NAMES = {
    "S001": (("Lin", "林晓"), ("Chen", "陈默"), ("Zhao", "赵敏")),
    "S002": (("Wu", "吴桐"), ("Sun", "孙悦"), ("Qian", "钱进")),
    "S003": (("Xu", "徐然"), ("He", "何苗"), ("Ma", "马可")),
    "S004": (("Zhou", "周宁"), ("Tang", "唐棠"), ("Gu", "顾言")),
}


def people(stores: int) -> list[DemoPerson]:
    """Two associates and a lead a store, one regional manager, one at headquarters.

    The second associate of each store works in Chinese, the others in English.
    """
    everyone = [
        DemoPerson("hq", "Fang Hua", "hq_ops", "", "900100", "en"),
        DemoPerson("east", "Shen Yi", "regional_manager", "", "900200", "en", region="EAST"),
    ]
    for store in STORES[:stores]:
        first, second, lead = _NAMES[store.code]
        n = store.code[-1]
        everyone += [
            DemoPerson(f"{store.code}-1", first[0], "associate", store.code, f"{n}11{n}", "en"),
            DemoPerson(f"{store.code}-2", second[1], "associate", store.code, f"{n}22{n}", "zh"),
            DemoPerson(f"{store.code}-lead", lead[0], "store_lead", store.code, f"{n}99{n}", "en"),
        ]
    return everyone


_STYLES: tuple[tuple[str, str, str, int, tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    ("TEE", "Cotton T-shirt", "纯棉T恤", 9_900, ("S", "M", "L"), (("White", "白色"), ("Ink", "墨色"))),
    ("SHIRT", "Linen shirt", "亚麻衬衫", 29_900, ("S", "M", "L"), (("Sand", "沙色"),)),
    ("KNIT", "Merino sweater", "美利奴毛衣", 45_900, ("S", "M", "L"), (("Moss", "苔绿"),)),
    ("JEAN", "Straight jeans", "直筒牛仔裤", 39_900, ("28", "30", "32"), (("Indigo", "靛蓝"),)),
    ("COAT", "Wool coat", "羊毛大衣", 129_900, ("M", "L"), (("Camel", "驼色"),)),
    ("SOCK", "Ribbed socks", "罗纹袜", 3_900, ("One size",), (("White", "白色"), ("Grey", "灰色"))),
    ("BAG", "Canvas tote bag", "帆布托特包", 15_900, ("One size",), (("Natural", "本色"),)),
    ("CAP", "Baseball cap", "棒球帽", 12_900, ("One size",), (("Navy", "藏青"),)),
    ("SCARF", "Silk scarf", "真丝围巾", 25_900, ("One size",), (("Rose", "玫瑰"),)),
    ("BELT", "Leather belt", "真皮皮带", 19_900, ("One size",), (("Brown", "棕色"),)),
)


def check_digit(digits: str) -> str:
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


@dataclass(frozen=True)
class DemoItem:
    sku: str
    name_en: str
    name_zh: str
    detail_en: str
    detail_zh: str
    gtin: str
    price_fen: int
    shelf: str


def items() -> list[DemoItem]:
    made: list[DemoItem] = []
    for row, (style, name_en, name_zh, price, sizes, colours) in enumerate(_STYLES):
        for place, (colour_en, colour_zh) in enumerate(colours):
            for bay, size in enumerate(sizes, start=1 + place * len(sizes)):
                number = len(made) + 1
                code = f"2000000{number:05d}"
                short = "" if size == "One size" else f"-{size}"
                made.append(
                    DemoItem(
                        sku=f"{style}-{colour_en[:3].upper()}{short}",
                        name_en=name_en,
                        name_zh=name_zh,
                        detail_en=f"{colour_en}, {size}",
                        detail_zh=f"{colour_zh}，{'均码' if size == 'One size' else size}",
                        gtin=code + check_digit(code),
                        price_fen=price,
                        shelf=f"{'ABCDE'[row // 2]}-{row % 2 + 1}-{bay}",
                    )
                )
    return made


BUNDLES = (
    (
        "SET-WEEKEND",
        "Weekend set: T-shirt and jeans",
        "周末套装：T恤与牛仔裤",
        (("TEE-WHI-M", 1), ("JEAN-IND-30", 1)),
    ),
    ("SET-SOCKS", "Three pairs of socks", "三双袜子", (("SOCK-WHI", 2), ("SOCK-GRE", 1))),
)

STOCK_PER_SKU = 40

SHOPPERS = (
    ("Wang Lei", "王磊", "13800000001"),
    ("Li Na", "李娜", "13800000002"),
    ("Zhang Wei", "张伟", "13800000003"),
    ("Anna Berg", "安娜", "13800000004"),
    ("Liu Yang", "刘洋", "13800000005"),
    ("Tom Reed", "汤姆", "13800000006"),
)


def alike(sku: str) -> list[str]:
    """The same article in its other colours: what a shopper may list to come instead."""
    return [one.sku for one in items() if one.sku != sku and _made(one.sku) == _made(sku)]


def _made(sku: str) -> tuple[str, list[str]]:
    style, _colour, *size = sku.split("-")
    return style, size


def basket(rng: random.Random) -> list[tuple[str, int]]:
    """What one shopper buys: one to three lines, now and then a bundle."""
    choice = items()
    lines = {item.sku: rng.choice((1, 1, 1, 2)) for item in rng.sample(choice, rng.choice((1, 1, 2, 3)))}
    if rng.random() < 0.15:
        lines[rng.choice(BUNDLES)[0]] = 1
    return list(lines.items())
