"""What our own pages say, by language. Where a language is not here, they say it in English."""

from __future__ import annotations

from collections.abc import Mapping

RIGHT_TO_LEFT = ("ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi")
NAMES = (
    "help",
    "question",
    "search",
    "results",
    "nothing",
    "helpful",
    "yes",
    "no",
    "thanks",
    "sorry",
    "human",
    "back",
    "languages",
)
TEXTS: Mapping[str, tuple[str, ...]] = {
    "en": ("Help", "How can we help?", "Search", "Answers", "No article answers that.", "Was this helpful?", "Yes",
           "No", "Thank you.", "We are sorry that it did not help.", "Talk to a human", "All articles", "Languages"),
    "de": ("Hilfe", "Wie können wir helfen?", "Suchen", "Antworten", "Kein Artikel beantwortet das.",
           "War das hilfreich?", "Ja", "Nein", "Danke.", "Schade, dass es nicht geholfen hat.",
           "Mit einem Menschen sprechen", "Alle Artikel", "Sprachen"),
    "fr": ("Aide", "Comment pouvons-nous vous aider ?", "Chercher", "Réponses", "Aucun article n’y répond.",
           "Cet article vous a-t-il aidé ?", "Oui", "Non", "Merci.", "Nous sommes désolés qu’il ne vous ait pas aidé.",
           "Parler à une personne", "Tous les articles", "Langues"),
    "es": ("Ayuda", "¿Cómo podemos ayudarle?", "Buscar", "Respuestas", "Ningún artículo responde a eso.",
           "¿Le ha sido útil?", "Sí", "No", "Gracias.", "Sentimos que no le haya ayudado.", "Hablar con una persona",
           "Todos los artículos", "Idiomas"),
    "it": ("Aiuto", "Come possiamo aiutarla?", "Cerca", "Risposte", "Nessun articolo risponde.", "È stato utile?", "Sì",
           "No", "Grazie.", "Ci dispiace che non sia stato utile.", "Parlare con una persona",
           "Tutti gli articoli", "Lingue"),
    "pt": ("Ajuda", "Como podemos ajudar?", "Procurar", "Respostas", "Nenhum artigo responde a isso.", "Foi útil?",
           "Sim", "Não", "Obrigado.", "Lamentamos que não tenha ajudado.", "Falar com uma pessoa",
           "Todos os artigos", "Idiomas"),
    "nl": ("Hulp", "Hoe kunnen we helpen?", "Zoeken", "Antwoorden", "Geen artikel beantwoordt dat.", "Was dit nuttig?",
           "Ja", "Nee", "Bedankt.", "Jammer dat het niet heeft geholpen.", "Met een mens praten",
           "Alle artikelen", "Talen"),
    "pl": ("Pomoc", "Jak możemy pomóc?", "Szukaj", "Odpowiedzi", "Żaden artykuł na to nie odpowiada.",
           "Czy to pomogło?", "Tak", "Nie", "Dziękujemy.", "Przykro nam, że to nie pomogło.",
           "Porozmawiaj z człowiekiem", "Wszystkie artykuły", "Języki"),
}  # fmt: skip


def texts(locale: str) -> dict[str, str]:
    """Return what the pages say in a language, by name."""
    return dict(zip(NAMES, TEXTS.get(_language(locale), TEXTS["en"]), strict=True))


def is_right_to_left(locale: str) -> bool:
    return _language(locale) in RIGHT_TO_LEFT


def _language(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0].lower()
