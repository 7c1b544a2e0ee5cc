"""Words that ask for a person, in fourteen languages; and those of somebody who has had enough. Pure.

A text asks for a person in one of three ways. It is nothing but a person ("agent", "a real human please"). It has a
verb of speech with a person soon after or before it ("talk to somebody", "mit jemandem reden"). Or it has a phrase that
means just that ("not a bot", "is anybody there"). A person alone in a longer text is none of these: "How many agents
can I invite?" is a question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MAX_APART = 40  # characters between a verb and its person
MAX_WORDS = 30  # whoever writes more than that tells a story, of which persons and calls are a part
LETTERS = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True, slots=True)
class _Language:
    """Patterns over plain text (see ``plain``). ``fillers`` may stand around a person that is all there is."""

    persons: str
    fillers: str = ""
    verbs: str = ""  # of speech, before a person
    after: str = ""  # the same, after a person
    phrases: str = ""  # each is enough


_LANGUAGES = {
    "en": _Language(
        persons=r"(?:human|agent|person|people|someone|somebody|anyone|anybody|representative|rep|advisor|operator"
        r"|assistant|manager|supervisor|customer (?:service|support|care)|support(?: team| agent| staff)?|staff"
        r"|employee|specialist)",
        fillers=r"(?:a|an|the|real|live|actual|human|please|pls|now|hello|hi|need|want|i|get|me|give|to|some|just"
        r"|only)",
        verbs=r"(?:talk|speak|chat|talking|speaking|chatting)(?: (?:to|with))?"
        r"|(?:connect|transfer|switch|forward|redirect|escalate|hand|pass|put)(?: (?:me|us|over|through|this))+"
        r"(?: (?:over|through))?(?: (?:to|with))"
        r"|(?:get|give|find|send|bring|fetch) (?:me|us)|let me have",
        phrases=r"(?:not?|dont want|stop|hate|without|instead of)(?: \w+){0,3}? (?:an? )?(?:bots?|robots?"
        r"|chatbots?|machine)(?: please)?$"
        r"|(?:person|human|someone|somebody|anyone)(?: that| who)? (?:i|we) can (?:talk|speak|chat)"
        r"|(?:is|are) (?:there )?(?:anyone|anybody|someone|somebody|you)(?: (?:there|here|online|around|real|human))+"
        r"|(?:call|ring|phone) (?:me|us)(?: back)?\b|live (?:chat|agent|support|person|human)$"
        r"|(?:real|live|actual) (?:human|person|agent)|(?:with|to|want|need) an? (?:human|person)$",
    ),
    "de": _Language(
        persons=r"(?:mensch\w*|mitarbeiter\w*|person\w*|jemand\w*|berater\w*|ansprechpartner\w*|kundendienst"
        r"|kundenservice|support\w*|agent\w*|kollegen|kollegin|vorgesetzt\w*|hotline|mit wem)",
        fillers=r"(?:ein|eine\w*|echte\w*|richtige\w*|menschliche\w*|bitte|ich|will|mochte|brauche|hallo|den|die|der)",
        verbs=r"(?:verbinde\w*|durchstellen|weiterleiten) (?:sie )?(?:mich|uns)?|(?:sprechen|reden|chatten)(?: mit)?",
        after=r"(?:sprechen|reden|chatten|schreiben|telefonieren|unterhalten|verbunden)",
        phrases=r"(?:keine\w*|ohne|nicht mit|schluss mit)(?: \w+){0,2} (?:bot|roboter|chatbot|maschine)\b"
        r"|(?:ist|gibt es)(?: \w+){0,4} (?:jemand da|richtige\w* mensch\w*|echte\w* mensch\w*)"
        r"|ruf\w*(?: sie)? (?:mich|uns)|(?:mich|uns)(?: \w+)? (?:zuruck ?rufen|anrufen)"
        r"|(?:echte\w*|richtige\w*|menschliche\w*) (?:mensch\w*|person\w*|mitarbeiter\w*|ansprechpartner\w*)",
    ),
    "fr": _Language(
        persons=r"(?:humain\w*|personne|quelquun|conseiller\w*|conseillere\w*|agent\w*|operateur\w*|service client\w*"
        r"|support|responsable|technicien\w*|employe\w*)",
        fillers=r"(?:un|une|vrai|vraie|svp|sil|vous|plait|je|veux|voudrais|besoin|dun|dune|jai|de|bonjour|humain)",
        verbs=r"(?:parler|discuter|echanger|chatter|causer)(?: (?:a|avec|au))?"
        r"|mett\w* moi en (?:relation|contact)(?: avec)?|pass\w* moi|transfer\w* moi(?: a| vers)?|joindre",
        phrases=r"(?:pas|sans|marre)(?: \w+){0,3}? (?:robot|bot|chatbot|machine)\b"
        r"|(?:y a t il|il y a|ya)(?: \w+)? quelquun(?: \w+)?$|rappele\w* moi|(?:me|nous) rappeler|appele\w* moi"
        r"|vraie personne|vrai humain",
    ),
    "es": _Language(
        persons=r"(?:human[oa]s?|persona|alguien|agente|asesor\w*|operador\w*|representante|ejecutiv[oa]"
        r"|supervisor\w*|responsable"
        r"|atencion al cliente|soporte|servicio al cliente)",
        fillers=r"(?:un|una|real|por|favor|quiero|necesito|hola|el|la|humano|con|ayuda de)",
        verbs=r"(?:hablar|hablo|chatear|conversar|platicar|comunicarme|contactar)(?: con)?"
        r"|(?:pasame|paseme|paseme|conectame|comuniqueme|transfiereme|transfierame)(?: (?:con|a))?",
        phrases=r"no(?: \w+){0,3}? (?:robot|bot|chatbot|maquina)\b|hay alguien(?: \w+)?$"
        r"|me llam\w+(?: por telefono)?|llame(?:n)?me|llamame|persona (?:real|de verdad)|(?:atienda"
        r"|atender) (?:una persona|alguien|un human)",
    ),
    "it": _Language(
        persons=r"(?:uman[oi]|persona|qualcuno|operatore|operatrice|agente|consulente|responsabile|assistenza"
        r"|servizio clienti"
        r"|addetto|supporto)",
        fillers=r"(?:un|uno|una|vera|reale|umano|per|favore|voglio|vorrei|ciao|il|con)",
        verbs=r"(?:parlare|parlo|chattare|discutere)(?: con)?"
        r"|(?:mi passi|passami|passatemi|mi metta in contatto|mettimi in contatto|mi colleghi|collegami"
        r"|trasferiscimi)(?: con| a)?",
        phrases=r"(?:non|niente|senza)(?: \w+){0,4}? (?:robot|bot|chatbot|macchina)\b|ce qualcuno(?: \w+)?$"
        r"|richiamar(?:mi|ci)|mi richiam\w+|persona (?:vera|reale)|chiamatemi|mi chiam(?:i|ate)\b",
    ),
    "pt": _Language(
        persons=r"(?:human[oa]|pessoa|alguem|atendente|agente|operador\w*|consultor\w*|assistente|representante"
        r"|supervisor\w*|gerente|atendimento|suporte|apoio ao cliente)",
        fillers=r"(?:um|uma|real|de|verdade|por|favor|quero|preciso|ola|oi|humano|com|o|a)",
        verbs=r"(?:falar|conversar|falo|contactar)(?: com)?"
        r"|(?:me )?(?:transfer\w+|passa\w*|passe|conect\w+|ligue|coloque)(?: me)?(?: (?:para|pra|pro|com|a))",
        phrases=r"(?:nao|sem|chega)(?: \w+){0,3}? (?:robo|bot|chatbot|maquina)\b|(?:tem|ha|esta) alguem(?: \w+)?$"
        r"|(?:me )?(?:ligu?em?|ligar|telefonem?)(?: me)? de volta|me lig(?:ue|uem|ar|am)\b|pessoa (?:real|de verdade)",
    ),
    "nl": _Language(
        persons=r"(?:mens|mensen|persoon|iemand|medewerker|medewerkster|klantenservice|agent|collega|adviseur"
        r"|helpdesk|support)",
        fillers=r"(?:een|echte?|levende?|graag|aub|alstublieft|ik|wil|hallo|de|menselijke)",
        verbs=r"(?:praten|spreken|chatten|spreek|praat)(?: met)?|verbind (?:me|mij)(?: door)?(?: met)?"
        r"|doorverbinden met|schakel (?:me|mij) door(?: naar)?",
        after=r"(?:praten|spreken|chatten|bellen)",
        phrases=r"(?:geen|zonder|niet met een)(?: \w+)? (?:robot|bot|chatbot|machine)\b"
        r"|is (?:er )?iemand(?: (?:daar|aanwezig|online|er))|(?:mij|me|ons)(?: \w+)? (?:terug ?bellen|opbellen|bellen)$"
        r"|bel (?:mij|me)(?: \w+)?|echte? (?:mens|persoon)",
    ),
    "pl": _Language(
        persons=r"(?:czlowiek\w*|osob[aey]|kims|kogos|konsultant\w*|pracownik\w*|doradc\w*|agent\w*|operator\w*"
        r"|obslug\w* klienta)",
        fillers=r"(?:prosze|o|z|zyw[aey]|prawdziw\w*|chce|potrzebuje|do|czesc|kontakt|poprosze)",
        verbs=r"(?:po)?(?:rozmawiac|rozmowa|rozmowe|mowic)(?: z)?|(?:polacz|przelacz"
        r"|przekieruj)\w*(?: mnie)?(?: (?:z|do))?"
        r"|kontakt z",
        phrases=r"(?:nie|bez|zadn\w*)(?: \w+){0,3}? (?:bot\w*|robot\w*|maszyn\w*|automat\w*)$"
        r"|(?:jest|czy)(?: \w+){0,2} (?:tam|tu) ktos|ktos (?:tam|tu) jest|oddzwon\w*|zadzwon\w* do mnie"
        r"|(?:zyw\w+|prawdziw\w+) (?:osob\w*|czlowiek\w*)",
    ),
    "sv": _Language(
        persons=r"(?:manniska\w*|manskli\w*|person|nagon|handlaggare|medarbetare|kundtjanst|kundservice|agent|support)",
        fillers=r"(?:en|ett|riktig|verklig|levande|tack|jag|vill|hej|snalla)",
        verbs=r"(?:prata|tala|chatta|snacka)(?: med)?|koppla mig(?: vidare)?(?: till)?",
        phrases=r"(?:inte|ingen|inga|utan)(?: \w+){0,3}? (?:robot|robotar|bot|bottar|chatbot|maskin)\b"
        r"|(?:ar|finns) (?:det )?nagon(?: (?:dar|har|vaken))|ring(?:a)?(?: upp)? mig|riktig (?:person|manniska)",
    ),
    "cs": _Language(
        persons=r"(?:clovek\w*|osob[aouy]\w*|nekym|nekoho|operator\w*|pracovnik\w*|zakaznick\w+|agent\w*|podpor\w*"
        r"|konzultant\w*)",
        fillers=r"(?:prosim|s|ziv[aouy]\w*|skutecn\w*|chci|potrebuji|na|ahoj|dobry|den)",
        verbs=r"(?:pro)?mluvit(?: si)?(?: s| se)?|(?:prepojte|spojte|prepojit|spojit|prepoj"
        r"|spoj)(?: me)?(?: (?:na|s|se))?|chatovat s",
        phrases=r"(?:nechci|ne|zadn\w*|bez)(?: \w+){0,3}? (?:bot\w*|robot\w*|automat\w*)$"
        r"|je (?:tam|tu|zde) nekdo|zavolejte mi|ziv\w+ (?:osob\w*|clovek\w*)",
    ),
    "tr": _Language(
        persons=r"(?:insan(?:la|a|lar)?|biri(?:yle|si|ne|siyle)?|temsilci(?:si|sine|siyle|yle|ye)?|yetkili(?:yle|ye)?"
        r"|musteri (?:hizmetleri|temsilci\w*)(?:ne|yle)?|operator\w*|canli destek|kisiyle)",
        fillers=r"(?:bir|gercek|canli|lutfen|istiyorum|merhaba|musteri|ile|lazim)",
        after=r"(?:konus\w*|gorus\w*|baglan\w*|bagla\w*|aktar\w*|yazis\w*)",
        phrases=r"(?:bot\w*|robot\w*)(?: ile)? (?:konusmak )?iste?mi\w*|(?:bot|robot) degil"
        r"|kimse(?: \w+)? var mi|var mi kimse|beni (?:geri )?arayin|gercek (?:biri\w*|insan\w*|kisi\w*)",
    ),
    "ru": _Language(
        persons=r"(?:человек\w*|оператор\w*|специалист\w*|менеджер\w*|сотрудник\w*|кем нибудь|кем то|консультант\w*"
        r"|поддержк\w*|представител\w*|агент\w*)",
        fillers=r"(?:жив\w+|реальн\w+|пожалуиста|хочу|нужен|мне|даите|здравствуите|с|позовите)",
        verbs=r"(?:по)?(?:говорить|общаться|беседовать|болтать)(?: с| со)?|(?:соедините|переключите|переведите|свяжите"
        r"|соедини|переключи|переведи|свяжи)(?: меня)?(?: (?:с|со|на))?|позовите|позови",
        phrases=r"(?:не|без|хватит)(?: \w+){0,3}? (?:бот\w*|робот\w*|машин\w*)\b|есть (?:тут |здесь )?кто(?: \w+){0,2}$"
        r"|кто нибудь (?:есть|тут|здесь)|перезвоните|позвоните мне|жив(?:ои|ого|ым|ому) человек\w*",
    ),
}
# "Is there a human?", "quiero un humano": in most languages the text ends so.
_A_HUMAN = (
    r"\b(?:an?|einen?|une?|um|en|een)(?: (?:real|live|echte[nr]?|vrai|riktig))? (?:human|mensch(?:en)?|humain"
    r"|humano|umano"
    r"|mens|manniska)$"
)
# Chinese and Japanese put no spaces between words.
_PHRASES_WITHOUT_SPACES = (
    # Japanese
    (
        r"(?:人|人間|誰か|担当者?|担当の方|オペレーター|スタッフ|係の?人|サポート)(?:の方|さん)?(?:と|に|へ)"
        r"(?:直接|電話で)?(?:話|はな|つな|繋|代わ|かわ|変わ|切り替|取り次|チャット|相談)"
    ),
    r"有人(?:チャット|対応|サポート|窓口)",
    r"(?:誰か|どなたか)(?:い|居)(?:ます|ません|る|ない)",
    r"(?:ロボット|ボット|機械|自動応答)(?:ではなく|じゃなく|でなく|は(?:いや|嫌|いら)|以外)",
    r"折り返し(?:お)?電話|電話で(?:話|相談)|電話(?:を)?(?:ください|して(?:ください|ほしい|欲しい))",
    # Chinese
    r"(?:转|轉|找|要|接|换|換)(?:人工|真人)",
    r"(?:和|跟|与|與|同|找|接通|转接?|轉接?|联系|聯繫|呼叫|联络)(?:一?[个個位])?(?:真人|人工|活人|客服|专员|專員|工作人员)",
    r"(?:和|跟|与|與|找)(?:一?[个個位])?人(?:来)?(?:聊|说|說|谈|談|讲|講|跟我|和我|帮我)",
    r"(?:不要|不想|别|別|讨厌)\w{0,6}?(?:机器人|機器人|机器|自动回复)",
    r"有(?:没有)?(?:真)?人(?:吗|嗎|在|么)|有没有(?:真)?人",
    r"(?:给|給)我(?:回)?(?:打)?(?:电话|電話)|回(?:电|電)(?:话|話)?给我",
)
_ALONE_WITHOUT_SPACES = (
    r"(?:请|請)?(?:人工|真人|在线|線上)?(?:客服|人工|真人|人工服务|人工服務|专员|客服人员)(?:谢谢|吧)?",
    r"(?:人間の)?(?:オペレーター|担当者?|担当の方|有人|人間|スタッフ|係員|サポート)(?:を|に|で)?(?:お願い(?:します)?|ください|希望)?",
)
SWEAR_WORDS = (
    "fuck fucking wtf bullshit asshole scheisse scheiss arschloch merde putain connard mierda joder cabron cazzo"
    " vaffanculo stronzo merda caralho foda porra godverdomme klote kurwa helvete jävla kurva hovno siktir amk блять"
    " блядь хуйня нахуй クソ ふざけるな 他妈的 操你 傻逼"
)


def plain(text: str) -> str:
    """Lower case without accents and punctuation, its words one space apart: as people write in a hurry."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("’", "'")).translate(LETTERS)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter) or letter in "\u3099\u309a")
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", bare.replace("'", ""))).split())


def _patterns() -> Iterator[str]:
    for words in _LANGUAGES.values():
        fillers = words.fillers or r"(?!)"
        # An atomic group tries a word that is both once: a row of such words would else take for ever.
        yield rf"^(?:(?>{fillers}\b) )*{words.persons}(?: (?>(?:{fillers}|{words.persons})\b))*+$"
        if words.verbs:
            yield rf"\b(?:{words.verbs}) (?:.{{0,{MAX_APART}}}? )??{words.persons}\b"
        if words.after:
            yield rf"\b{words.persons} (?:.{{0,{MAX_APART}}}? )??(?:{words.after})\b"
        yield rf"\b(?:{words.phrases})"
    yield _A_HUMAN


_ASKS = [re.compile(pattern) for pattern in _patterns()]
_ASKS_WITHOUT_SPACES = [re.compile(pattern) for pattern in _PHRASES_WITHOUT_SPACES]
_ALONE = [re.compile(pattern) for pattern in _ALONE_WITHOUT_SPACES]
_SWORN = {plain(word) for word in SWEAR_WORDS.split()}


def wants_human(text: str) -> bool:
    """Whether somebody asks for a person, in whichever of the fourteen languages."""
    words = plain(text)
    if len(words.split()) > MAX_WORDS:
        return False
    if any(pattern.search(words) for pattern in _ASKS):
        return True
    joined = words.replace(" ", "")
    return any(pattern.search(joined) for pattern in _ASKS_WITHOUT_SPACES) or any(
        pattern.fullmatch(joined) for pattern in _ALONE
    )


def is_shouted(text: str) -> bool:
    """Whether it is three words or more in capitals alone, or has three exclamation marks. Codes are not shouted."""
    words = [word for word in re.findall(r"[^\W_]+(?:_\w+)?", text) if len(word) > 1]
    loud = [word for word in words if word.isalpha() and word.isupper() and word.lower() != word.upper()]
    return "!!!" in text or "！！！" in text or (len(loud) >= 3 and len(loud) == len(words))


def is_sworn(text: str) -> bool:
    """Whether a strong swear word is in it."""
    words = plain(text)
    without_spaces = (word for word in _SWORN if word[0] >= "\u3000")
    return not _SWORN.isdisjoint(words.split()) or any(word in words for word in without_spaces)
