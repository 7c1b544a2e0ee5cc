"""The few sentences that our button and the help panel say, in the twelve languages with the most speakers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Texts = Mapping[str, str]  # by name, see NAMES

BUTTON = ("chat", "message", "unread", "unreachable", "consent", "contact", "agree")
PANEL = ("question", "human", "answers", "nothing", "send", "close", "opens")  # where the help panel is on
NAMES = (*BUTTON, *PANEL)
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
        "Allow chat",
    ),
    "ar": (
        "تحدّث معنا",
        "اترك رسالة",
        "{n} غير مقروءة",
        "تعذّر الوصول إلى الدردشة.",
        "تتطلب الدردشة موافقتك أولاً.",
        "اتصل بنا",
        "السماح بالدردشة",
    ),
    "bn": (
        "আমাদের সাথে চ্যাট করুন",
        "একটি বার্তা দিন",
        "{n}টি অপঠিত",
        "চ্যাটে সংযোগ করা যাচ্ছে না।",
        "চ্যাটের জন্য আগে আপনার সম্মতি প্রয়োজন।",
        "যোগাযোগ করুন",
        "চ্যাটের অনুমতি দিন",
    ),
    "de": (
        "Mit uns chatten",
        "Nachricht hinterlassen",
        "{n} ungelesen",
        "Der Chat ist nicht erreichbar.",
        "Der Chat braucht zuerst Ihre Zustimmung.",
        "Kontakt",
        "Chat erlauben",
    ),
    "es": (
        "Chatea con nosotros",
        "Deja un mensaje",
        "{n} sin leer",
        "No se puede acceder al chat.",
        "El chat necesita primero tu consentimiento.",
        "Contacto",
        "Permitir el chat",
    ),
    "fr": (
        "Discuter avec nous",
        "Laisser un message",
        "{n} non lus",
        "Le chat est injoignable.",
        "Le chat nécessite d’abord votre accord.",
        "Nous contacter",
        "Autoriser le chat",
    ),
    "hi": (
        "हमसे चैट करें",
        "संदेश छोड़ें",
        "{n} अपठित",
        "चैट उपलब्ध नहीं है।",
        "चैट के लिए पहले आपकी सहमति चाहिए।",
        "हमसे संपर्क करें",
        "चैट की अनुमति दें",
    ),
    "id": (
        "Chat dengan kami",
        "Tinggalkan pesan",
        "{n} belum dibaca",
        "Chat tidak dapat dihubungi.",
        "Chat memerlukan persetujuan Anda terlebih dahulu.",
        "Hubungi kami",
        "Izinkan chat",
    ),
    "pt": (
        "Fale conosco",
        "Deixe uma mensagem",
        "{n} não lidas",
        "Não foi possível acessar o chat.",
        "O chat precisa primeiro do seu consentimento.",
        "Contato",
        "Permitir o chat",
    ),
    "ru": (
        "Напишите нам",
        "Оставить сообщение",
        "непрочитанных: {n}",
        "Чат сейчас недоступен.",
        "Для чата сначала нужно ваше согласие.",
        "Связаться с нами",
        "Разрешить чат",
    ),
    "ur": (
        "ہم سے چیٹ کریں",
        "پیغام چھوڑیں",
        "{n} غیر پڑھے",
        "چیٹ تک رسائی نہیں ہو سکی۔",
        "چیٹ کے لیے پہلے آپ کی رضامندی درکار ہے۔",
        "ہم سے رابطہ کریں",
        "چیٹ کی اجازت دیں",
    ),
    "zh": (
        "在线咨询",
        "留言",
        "{n} 条未读",
        "暂时无法连接聊天。",
        "聊天需要您先同意。",
        "联系我们",
        "允许聊天",
    ),
}
_WRITTEN_FOR_PANEL = {
    "en": (
        "How can we help?",
        "Talk to a human",
        "Answers: {n}",
        "No article answers that.",
        "Send",
        "Close",
        "Somebody is here again: {when}",
    ),
    "ar": (
        "كيف يمكننا مساعدتك؟",
        "تحدّث إلى شخص",
        "الإجابات: {n}",
        "لا توجد مقالة تجيب عن ذلك.",
        "إرسال",
        "إغلاق",
        "سنعود: {when}",
    ),
    "bn": (
        "আমরা কীভাবে সাহায্য করতে পারি?",
        "একজন মানুষের সাথে কথা বলুন",
        "উত্তর: {n}",
        "কোনো নিবন্ধে এর উত্তর নেই।",
        "পাঠান",
        "বন্ধ করুন",
        "আমরা আবার আছি: {when}",
    ),
    "de": (
        "Wie können wir helfen?",
        "Mit einem Menschen sprechen",
        "Antworten: {n}",
        "Kein Artikel beantwortet das.",
        "Senden",
        "Schließen",
        "Wieder jemand da: {when}",
    ),
    "es": (
        "¿Cómo podemos ayudarle?",
        "Hablar con una persona",
        "Respuestas: {n}",
        "Ningún artículo responde a eso.",
        "Enviar",
        "Cerrar",
        "Volvemos: {when}",
    ),
    "fr": (
        "Comment pouvons-nous vous aider ?",
        "Parler à une personne",
        "Réponses : {n}",
        "Aucun article n’y répond.",
        "Envoyer",
        "Fermer",
        "De retour : {when}",
    ),
    "hi": (
        "हम आपकी कैसे मदद कर सकते हैं?",
        "किसी व्यक्ति से बात करें",
        "उत्तर: {n}",
        "कोई लेख इसका उत्तर नहीं देता।",
        "भेजें",
        "बंद करें",
        "हम फिर उपलब्ध होंगे: {when}",
    ),
    "id": (
        "Apa yang bisa kami bantu?",
        "Bicara dengan seseorang",
        "Jawaban: {n}",
        "Tidak ada artikel yang menjawab itu.",
        "Kirim",
        "Tutup",
        "Kami kembali: {when}",
    ),
    "pt": (
        "Como podemos ajudar?",
        "Falar com uma pessoa",
        "Respostas: {n}",
        "Nenhum artigo responde a isso.",
        "Enviar",
        "Fechar",
        "Voltamos: {when}",
    ),
    "ru": (
        "Чем мы можем помочь?",
        "Поговорить с человеком",
        "Ответов: {n}",
        "Ни одна статья на это не отвечает.",
        "Отправить",
        "Закрыть",
        "Мы снова на связи: {when}",
    ),
    "ur": (
        "ہم کیسے مدد کر سکتے ہیں؟",
        "کسی شخص سے بات کریں",
        "جوابات: {n}",
        "کوئی مضمون اس کا جواب نہیں دیتا۔",
        "بھیجیں",
        "بند کریں",
        "ہم دوبارہ موجود ہوں گے: {when}",
    ),
    "zh": (
        "需要什么帮助？",
        "与人工交谈",
        "答案：{n}",
        "没有文章回答这个问题。",
        "发送",
        "关闭",
        "恢复服务时间：{when}",
    ),
}
TEXTS: Mapping[str, Texts] = {
    tag: dict(zip(NAMES, (*texts, *_WRITTEN_FOR_PANEL[tag]), strict=True)) for tag, texts in _WRITTEN.items()
}


def merged(own: Mapping[str, Texts], names: Sequence[str] = NAMES) -> dict[str, dict[str, str]]:
    """Our sentences with an app's own in their place, by language in lower case (``"pt-br"``)."""
    tags = {tag.replace("_", "-").lower(): texts for tag, texts in own.items()}
    result = {tag: dict(texts) for tag, texts in TEXTS.items()}
    for tag, texts in tags.items():
        base = TEXTS.get(tag) or TEXTS.get(tag.partition("-")[0]) or {}
        result[tag] = {**base, **texts}
    # A file that lacks one of them says it in English.
    return {tag: {name: texts.get(name, result["en"][name]) for name in names} for tag, texts in result.items()}
