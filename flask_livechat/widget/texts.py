"""The few sentences that our button says, in the twelve languages with the most speakers. Pure."""

from __future__ import annotations

from collections.abc import Mapping

Texts = Mapping[str, str]  # by name, see NAMES

NAMES = ("chat", "message", "unread", "unreachable", "consent", "contact")
MAX_CHARS = 120
UNREAD = "{n}"  # where the number stands

_WRITTEN = {
    "en": (
        "Chat with us",
        "Leave a message",
        "{n} unread",
        "Chat cannot be reached.",
        "Chat needs your consent first.",
        "Contact us",
    ),
    "ar": (
        "تحدّث معنا",
        "اترك رسالة",
        "{n} غير مقروءة",
        "تعذّر الوصول إلى الدردشة.",
        "تتطلب الدردشة موافقتك أولاً.",
        "اتصل بنا",
    ),
    "bn": (
        "আমাদের সাথে চ্যাট করুন",
        "একটি বার্তা দিন",
        "{n}টি অপঠিত",
        "চ্যাটে সংযোগ করা যাচ্ছে না।",
        "চ্যাটের জন্য আগে আপনার সম্মতি প্রয়োজন।",
        "যোগাযোগ করুন",
    ),
    "de": (
        "Mit uns chatten",
        "Nachricht hinterlassen",
        "{n} ungelesen",
        "Der Chat ist nicht erreichbar.",
        "Der Chat braucht zuerst Ihre Zustimmung.",
        "Kontakt",
    ),
    "es": (
        "Chatea con nosotros",
        "Deja un mensaje",
        "{n} sin leer",
        "No se puede acceder al chat.",
        "El chat necesita primero tu consentimiento.",
        "Contacto",
    ),
    "fr": (
        "Discuter avec nous",
        "Laisser un message",
        "{n} non lus",
        "Le chat est injoignable.",
        "Le chat nécessite d’abord votre accord.",
        "Nous contacter",
    ),
    "hi": (
        "हमसे चैट करें",
        "संदेश छोड़ें",
        "{n} अपठित",
        "चैट उपलब्ध नहीं है।",
        "चैट के लिए पहले आपकी सहमति चाहिए।",
        "हमसे संपर्क करें",
    ),
    "id": (
        "Chat dengan kami",
        "Tinggalkan pesan",
        "{n} belum dibaca",
        "Chat tidak dapat dihubungi.",
        "Chat memerlukan persetujuan Anda terlebih dahulu.",
        "Hubungi kami",
    ),
    "pt": (
        "Fale conosco",
        "Deixe uma mensagem",
        "{n} não lidas",
        "Não foi possível acessar o chat.",
        "O chat precisa primeiro do seu consentimento.",
        "Contato",
    ),
    "ru": (
        "Напишите нам",
        "Оставить сообщение",
        "непрочитанных: {n}",
        "Чат сейчас недоступен.",
        "Для чата сначала нужно ваше согласие.",
        "Связаться с нами",
    ),
    "ur": (
        "ہم سے چیٹ کریں",
        "پیغام چھوڑیں",
        "{n} غیر پڑھے",
        "چیٹ تک رسائی نہیں ہو سکی۔",
        "چیٹ کے لیے پہلے آپ کی رضامندی درکار ہے۔",
        "ہم سے رابطہ کریں",
    ),
    "zh": (
        "在线咨询",
        "留言",
        "{n} 条未读",
        "暂时无法连接聊天。",
        "聊天需要您先同意。",
        "联系我们",
    ),
}
TEXTS: Mapping[str, Texts] = {tag: dict(zip(NAMES, texts, strict=True)) for tag, texts in _WRITTEN.items()}


def merged(own: Mapping[str, Texts]) -> dict[str, dict[str, str]]:
    """Our sentences with an app's own in their place, by language in lower case (``"pt-br"``)."""
    tags = {tag.replace("_", "-").lower(): texts for tag, texts in own.items()}
    result = {tag: dict(texts) for tag, texts in TEXTS.items()}
    for tag, texts in tags.items():
        base = TEXTS.get(tag) or TEXTS.get(tag.partition("-")[0]) or {}
        result[tag] = {**base, **texts}
    # A file that lacks one of them says it in English.
    return {tag: {**result["en"], **texts} for tag, texts in result.items()}
