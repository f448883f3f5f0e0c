"""Invented French decrees. Places, numbers, offices and rules are made up."""

from __future__ import annotations

import random

from .wording import Decree, Masthead, Slots, Table, Wording, between, filled, held, money, one_of

_PLACES = (
    "Tamdra",
    "Bir Zelma",
    "Beni Azourar",
    "Rahba Tifsa",
    "Dar Chemsia",
    "Ksar Nouirat",
    "Sidi Amellal",
    "Tizguelt",
)
_FAR_PLACES = ("Kasbat Nour", "Merja Zahra", "Sebt Amlil", "Talat Izem")
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_MINISTRIES = (
    "des travaux publics",
    "de l'agriculture",
    "de l'instruction publique",
    "des postes",
    "de la santé publique",
    "des eaux et forêts",
    "du commerce et de l'artisanat",
)


def _date(rng: random.Random) -> str:
    day = rng.randint(1, 28)
    return f"{'1er' if day == 1 else day} {rng.choice(_MONTHS)} {rng.randint(1951, 1974)}"


def _number(rng: random.Random) -> str:
    return f"{rng.randint(1, 4)}-{rng.randint(51, 74)}-{rng.randint(100, 989)}"


_SLOTS: Slots = {
    "place": one_of(*_PLACES),
    "other": one_of(*_FAR_PLACES),
    "ministry": one_of(*_MINISTRIES),
    "date": _date,
    "number": _number,
    "month": one_of(*_MONTHS),
    "year": between(1952, 1975),
    "few": between(3, 9),
    "tens": between(15, 95, 5),
    "hundreds": between(120, 980, 10),
    "road": between(101, 640),
    "body": one_of("commission consultative", "caisse mutuelle", "régie de distribution", "école ménagère"),
    "task": one_of(
        "surveiller l'état des bâtiments scolaires",
        "répartir les eaux d'irrigation entre les riverains",
        "contrôler la qualité des grains mis en vente",
        "veiller à l'entretien des pistes et des ponts",
        "développer la plantation d'oliviers et de caroubiers",
    ),
    "unit": one_of("mètre cube", "quintal", "hectare", "tête de bétail", "journée de location"),
    "use": one_of("l'arrosage des jardins", "l'abreuvement du bétail", "l'usage des moulins"),
}

_SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "portant création d'une {body} dans la province de {place}",
        (
            "Il est créé dans la province de {place} une {body} chargée de {task}.",
            "Elle se compose de {few} membres, nommés pour {few} ans par arrêté du ministre {ministry} et "
            "choisis parmi les notables du cercle.",
            "Elle se réunit au moins {few} fois par an sur convocation de son président, qui fixe l'ordre du "
            "jour. Ses avis sont consignés dans un registre coté et paraphé.",
        ),
    ),
    (
        "fixant le tarif des redevances d'eau à {place}",
        (
            "La redevance due pour {use} est fixée à {tens} francs par {unit}.",
            "Elle est payable d'avance, au plus tard le dernier jour du mois de {month}, à la caisse du "
            "percepteur de {place}. Tout retard donne lieu à une majoration de {few} francs.",
            "Sont dispensés du paiement les propriétaires de moins de {few} hectares qui cultivent eux-mêmes "
            "leur terre.",
        ),
    ),
    (
        "réglementant la circulation sur la route n° {road}",
        (
            "Le passage des véhicules de plus de {few} tonnes est interdit sur la route n° {road}, entre "
            "{place} et {other}, du {date} au {date}.",
            "Des panneaux placés aux deux extrémités du parcours feront connaître l'interdiction aux "
            "usagers.",
            "Les convois de secours et les voitures du service des postes ne sont pas soumis à cette mesure.",
        ),
    ),
    (
        "étendant le périmètre irrigué de {place}",
        (
            "Le périmètre irrigué de {place} est porté à {hundreds} hectares. Ses limites sont indiquées par "
            "un trait bleu sur le plan annexé à l'original du présent décret.",
            "Les oppositions sont reçues au bureau du cercle de {place} jusqu'au {date} inclus.",
            "Aucun puits ne peut y être foncé à moins de {hundreds} mètres d'un puits existant, sauf "
            "autorisation écrite de l'ingénieur chargé du service.",
        ),
    ),
    (
        "relatif à l'indemnité des agents du service des postes de {place}",
        (
            "Les agents titulaires en fonction à {place} reçoivent une indemnité mensuelle de {hundreds} "
            "francs, payable à terme échu.",
            "Cette indemnité est réduite de moitié pendant les congés qui dépassent {tens} jours. Elle ne se "
            "cumule avec aucun autre avantage de même nature.",
        ),
    ),
    (
        "ouvrant un concours de garde forestier à {place}",
        (
            "Un concours pour le recrutement de {few} gardes forestiers aura lieu à {place} le {date}.",
            "Les candidats doivent être âgés de plus de vingt et un ans et justifier de {few} années de "
            "pratique. Leur demande est accompagnée de deux photographies et d'un extrait de naissance.",
            "La liste des candidats admis est arrêtée par le ministre {ministry} et affichée pendant "
            "{tens} jours au siège du cercle.",
        ),
    ),
)
_CLOSINGS = (
    "Les dépenses qui résultent de l'application du présent décret sont imputées au chapitre {tens} du "
    "budget de l'exercice {year}.",
    "Sont abrogées toutes dispositions contraires, notamment l'arrêté n° {number} du {date}.",
    "Le ministre {ministry} est chargé de l'exécution du présent décret, qui prend effet le {date}.",
)
_CROPS = (
    "Blé tendre",
    "Blé dur",
    "Orge",
    "Maïs",
    "Fèves",
    "Lentilles",
    "Olives",
    "Amandes",
    "Figues",
    "Caroubes",
)


def _masthead(rng: random.Random) -> Masthead:
    return Masthead(
        "BULLETIN DES DÉCRETS",
        "Textes inventés, imprimés à titre de spécimen",
        f"Année {rng.randint(38, 62)} — N° {rng.randint(2001, 3200)} — {_date(rng)}",
    )


def _decree(rng: random.Random) -> Decree:
    slots = held(rng, _SLOTS, "place", "body", "road")
    subject, rules = rng.choice(_SUBJECTS)
    articles = [filled(text, rng, slots) for text in (*rules, *rng.sample(_CLOSINGS, 2))]
    heads = ["Article premier. —"] + [f"Art. {number}. —" for number in range(2, len(articles) + 1)]
    return Decree(
        f"Décret n° {_number(rng)} du {_date(rng)} " + filled(subject, rng, slots) + ".",
        (
            filled("Vu le décret n° {number} du {date}\u00a0;", rng, slots),
            filled("Sur la proposition du ministre {ministry},", rng, slots),
            "DÉCRÈTE\u00a0:",
            *(f"{head} {article}" for head, article in zip(heads, articles, strict=True)),
            filled("Fait à {other}, le {date}.", rng, slots),
        ),
    )


def _table(rng: random.Random) -> Table:
    head = ("Produit", "Quintaux", "Prix moyen", "Marché")
    rows = [
        (
            crop,
            money(rng.randint(140, 9800)),
            f"{rng.randint(11, 98)},{rng.randint(10, 99)}",
            rng.choice(_PLACES),
        )
        for crop in rng.sample(_CROPS, 8)
    ]
    return Table(f"Relevé des cours des marchés au {_date(rng)}", (head, *rows))


FRENCH = Wording("fr", False, lambda number: f"— {number} —", _masthead, _decree, _table)
