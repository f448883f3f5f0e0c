"""Invented Arabic decrees. Places, numbers, offices and rules are made up.

Numbers keep to the ranges in which the noun beside them has the form written here (3 to 10, 11 to 99). No
brackets and no dashes: one of the two usual Naskh fonts has none.
"""

from __future__ import annotations

import random

from .wording import Decree, Masthead, Slots, Table, Wording, between, filled, held, money, one_of

_PLACES = ("تمدرة", "عين زلمة", "بني أزورار", "واد تيفسة", "دار شمسية", "قصر نويرات", "سيدي أملال", "تيزكلت")
_FAR_PLACES = ("قصبة النور", "مرجة الزهراء", "سبت أمليل", "تلات إزم")
_MONTHS = (
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "ماي",
    "يونيو",
    "يوليوز",
    "غشت",
    "شتنبر",
    "أكتوبر",
    "نونبر",
    "دجنبر",
)
_MINISTRIES = (
    "الأشغال العمومية",
    "الفلاحة",
    "التعليم العمومي",
    "البريد",
    "الصحة العمومية",
    "المياه والغابات",
    "التجارة والصناعة التقليدية",
)


def _date(rng: random.Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(_MONTHS)} {rng.randint(1951, 1974)}"


def _number(rng: random.Random) -> str:
    return f"{rng.randint(1, 4)}.{rng.randint(51, 74)}.{rng.randint(100, 989)}"


_SLOTS: Slots = {
    "place": one_of(*_PLACES),
    "other": one_of(*_FAR_PLACES),
    "ministry": one_of(*_MINISTRIES),
    "date": _date,
    "month": one_of(*_MONTHS),
    "year": between(1952, 1975),
    "few": between(3, 9),
    "tens": between(15, 95, 5),
    "road": between(101, 640),
    "body": one_of("لجنة استشارية", "هيئة إقليمية", "مصلحة خارجية", "تعاونية فلاحية"),
    "task": one_of(
        "مراقبة حالة المباني المدرسية",
        "توزيع مياه السقي بين الفلاحين",
        "مراقبة جودة الحبوب المعروضة للبيع",
        "صيانة المسالك والقناطر",
        "تشجيع غرس أشجار الزيتون والخروب",
    ),
    "matter": one_of(
        "بتنظيم المصالح الإقليمية",
        "بالمالية العامة للدولة",
        "بالنظام الأساسي للوظيفة العمومية",
        "باختصاصات رؤساء الدوائر",
        "بالملك العمومي للمياه",
    ),
    "unit": one_of("متر مكعب", "قنطار", "هكتار", "رأس من الماشية", "يوم من الكراء"),
}

_SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "بإحداث {body} بإقليم {place}",
        (
            "تحدث بإقليم {place} {body} يعهد إليها بمهمة {task}.",
            "تتألف من {few} أعضاء يعينون لمدة {few} سنوات بقرار لوزير {ministry} ويختارون من "
            "بين أعيان الدائرة.",
            "تجتمع كلما دعت الضرورة إلى ذلك باستدعاء من رئيسها الذي يحدد جدول الأعمال، وتدون آراؤها في سجل "
            "مرقم وموقع عليه.",
        ),
    ),
    (
        "بتحديد تعريفة إتاوات الماء في {place}",
        (
            "تحدد الإتاوة المستحقة عن سقي البساتين في {tens} فرنكا لكل {unit}.",
            "تؤدى الإتاوة مسبقا قبل متم شهر {month} لدى قابض {place}، ويترتب على كل تأخير أداء زيادة قدرها "
            "{tens} فرنكا.",
            "يعفى من الأداء الملاكون الذين لا تتجاوز مساحة أراضيهم {few} هكتارات ويحرثونها بأنفسهم.",
        ),
    ),
    (
        "بتنظيم السير في الطريق رقم {road}",
        (
            "يمنع مرور العربات التي يتجاوز وزنها {few} أطنان في الطريق رقم {road} بين {place} و{other} "
            "من {date} إلى {date}.",
            "توضع في طرفي الطريق علامات تخبر المستعملين بهذا المنع.",
            "لا تطبق هذه المقتضيات على عربات الإسعاف ولا على عربات مصلحة البريد.",
        ),
    ),
    (
        "بتوسيع دائرة الري في {place}",
        (
            "توسع دائرة الري في {place} لتشمل مساحة قدرها {tens} هكتارا، وتبين حدودها بخط أزرق في التصميم "
            "الملحق بأصل هذا المرسوم.",
            "تقبل التعرضات في مكتب دائرة {place} إلى غاية {date}.",
            "لا يجوز حفر أي بئر داخل الدائرة إلا بإذن مكتوب من المهندس المكلف بالمصلحة.",
        ),
    ),
    (
        "بشأن تعويض أعوان مصلحة البريد في {place}",
        (
            "يتقاضى الأعوان الرسميون العاملون في {place} تعويضا شهريا قدره {tens} فرنكا يؤدى عند متم كل شهر.",
            "يخفض هذا التعويض إلى النصف خلال الرخص التي تتجاوز مدتها {tens} يوما، ولا يجمع بينه وبين أي "
            "امتياز آخر من نفس النوع.",
        ),
    ),
    (
        "بفتح مباراة لتوظيف حراس الغابات في {place}",
        (
            "تجرى في {place} يوم {date} مباراة لتوظيف {few} حراس للغابات.",
            "يجب أن يثبت المترشحون ممارسة مدتها {few} سنوات، وترفق طلباتهم بصورتين شمسيتين وبنسخة من عقد "
            "الازدياد.",
            "تحصر لائحة الناجحين بقرار لوزير {ministry} وتعلق بمقر الدائرة طيلة {tens} يوما.",
        ),
    ),
)
_CLOSINGS = (
    "تقيد النفقات المترتبة على تطبيق هذا المرسوم في الفصل {tens} من ميزانية سنة {year}.",
    "تلغى جميع المقتضيات المخالفة لهذا المرسوم ولا سيما القرار الوزيري المتعلق {matter}.",
    "يسند إلى وزير {ministry} تنفيذ هذا المرسوم الذي يعمل به ابتداء من {date}.",
)
_CROPS = (
    "القمح اللين",
    "القمح الصلب",
    "الشعير",
    "الذرة",
    "الفول",
    "العدس",
    "الزيتون",
    "اللوز",
    "التين",
    "الخروب",
)


def _masthead(rng: random.Random) -> Masthead:
    return Masthead(
        "جريدة المراسيم",
        "نصوص مخترعة مطبوعة على سبيل النموذج",
        f"السنة {rng.randint(38, 62)}، العدد {rng.randint(2001, 3200)}، {_date(rng)}",
    )


def _decree(rng: random.Random) -> Decree:
    slots = held(rng, _SLOTS, "place", "body", "road")
    subject, rules = rng.choice(_SUBJECTS)
    articles = [filled(text, rng, slots) for text in (*rules, *rng.sample(_CLOSINGS, 2))]
    heads = ["المادة الأولى:"] + [f"المادة {number}:" for number in range(2, len(articles) + 1)]
    return Decree(
        f"مرسوم رقم {_number(rng)} صادر في {_date(rng)} " + filled(subject, rng, slots) + ".",
        (
            filled("بناء على المرسوم المتعلق {matter}؛", rng, slots),
            filled("وباقتراح من وزير {ministry}،", rng, slots),
            "يرسم ما يلي:",
            *(f"{head} {article}" for head, article in zip(heads, articles, strict=True)),
            filled("وحرر في {other} بتاريخ {date}.", rng, slots),
        ),
    )


def _table(rng: random.Random) -> Table:
    head = ("المنتوج", "القناطير", "متوسط الثمن", "السوق")
    rows = [
        (
            crop,
            money(rng.randint(140, 9800)),
            f"{rng.randint(11, 98)},{rng.randint(10, 99)}",
            rng.choice(_PLACES),
        )
        for crop in rng.sample(_CROPS, 8)
    ]
    return Table(f"بيان أثمان الأسواق بتاريخ {_date(rng)}", (head, *rows))


ARABIC = Wording("ar", True, str, _masthead, _decree, _table)
