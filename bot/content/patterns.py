"""What tells who or where somebody is, by its shape: links, handles, ages, dates, streets, schools, in our languages."""

from __future__ import annotations

import re

WORD = r"[^\W\d_][\w'-]*"
CAPITALISED = r"(?:\s+(?-i:[A-ZÁÉÍÓÚÑА-ЯЁ])[\w'-]+)*"

KEPT_WORDS = frozenset({
    "i", "im", "ive", "id", "ill", "od", "ods", "ems", "cpr", "er", "icu", "hiv", "aids", "lsd", "mdma", "adhd",
    "ptsd", "thc", "cbd", "ok", "god", "tv", "aa", "na", "xr", "us", "pls", "lol", "wtf", "idk", "вы", "вас", "вам",
    "вами", "ваш", "ваша", "ваше", "ваши", "вашу", "вашей", "вич", "спид", "мдма", "лсд", "бог", "боже", "скорая",
    "usted", "ustedes", "vih", "sida", "dios", "eeuu",
})  # fmt: skip
"""Words with a capital letter that tell of nobody."""
KEPT_STEMS = (
    "naloxon", "narcan", "naltrexon", "vivitrol", "methadon", "metadon", "suboxon", "subutex", "buprenorf",
    "buprenorph", "fentan", "heroin", "oxycod", "oxycont", "oxicod", "xanax", "percocet", "tramadol", "codein",
    "morphin", "morfin", "cocain", "tylenol", "advil", "paracetamol", "ibuprofen", "opioid", "valium", "adderall",
    "telegram", "google", "instagram", "tiktok", "whatsapp", "налоксон", "наркан", "налтрексон", "вивитрол",
    "метадон", "бупренорфин", "субоксон", "фентанил", "героин", "трамадол", "кодеин", "морфин", "оксикодон",
    "мефедрон", "ксанакс", "кокаин", "антабус", "парацетамол", "телеграм", "опиоид",
)  # fmt: skip
"""Drugs, and where people talk: with a capital letter too they tell of nobody."""
SURNAME_ENDING = re.compile(
    r"(?:ов|ев|ин|ын)(?:а|ой|у|ым|ом|е|ых)?$|(?:ск|цк)(?:ий|ая|ого|ой|ому|им|ую)$|(?:енко|швили|дзе)$|(?:ov|ova|ev|eva|enko|sky|skaya)$"
)

TOP = (
    "com|org|net|info|ru|рф|su|kz|ua|by|uz|kg|me|io|co|es|mx|ar|cl|pe|ve|ec|uy|bo|gt|uk|us|ca|au|de|fr|it|pt|br|eu|tv|gg|app|dev|"
    "site|online|xyz|top|link|ly|cc|onion|ai|edu|gov|club|shop|store|live|blog|page"
)
EN_TENS = r"(?:eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)"
EN_ONES = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten)"
RU_TENS = r"(?:(?:один|две|три|четыр|пят|шест|сем|восем|девят)надцат\w*|двадцат\w*|тридцат\w*|сорока?|пятьдесят\w*|шестьдесят\w*|семьдесят\w*|восемьдесят\w*|девяност\w*|тысяч\w*)"
RU_ONES = r"(?:ноль|один|два|две|три|трёх|трех|четыре|четырёх|четырех|пять|пяти|шесть|шести|семь|семи|восемь|восьми|девять|девяти|десять|десяти)"
ES_TENS = r"(?:doce|trece|catorce|quince|dieci\w+|veint\w+|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|cien|ciento)"
ES_ONES = r"(?:cero|un|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once)"
ONES = rf"(?:{EN_ONES}|{RU_ONES}|{ES_ONES})"
NTH = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)"
SCHOOL = (
    r"(?:school|college|university|academy|clinic|hospital|cent(?:er|re)|rehab|church|школ\w*|гимнази\w*|лице[йяюе]\w*|колледж\w*|"
    r"университет\w*|институт\w*|клиник\w*|больниц\w*|рехаб\w*|центр\w*|диспансер\w*|аптек\w*|colegio|escuela|instituto|liceo|"
    r"universidad|cl[ií]nica|hospital|centro|secundaria|preparatoria|farmacia)"
)

ABODE = r"(?:страх|ад|нищет|подвал|общ|квартир|дом|деревн|сел|пос[её]л|аул|город|центр|интернат|детдом|хостел|приют|частн|съ[её]мн|одн|так|постоянн|вечн)"
"""What people live in that is no place on a map."""
SAID = r"[\w-]+(?:\s+(?:dot|точка|punto)\s+\w+)+"
"""Half of a mail address, spelled out."""

SHAPES = (
    # Links, addresses of mail, handles.
    r"\S*(?:://|www\.|http)\S*",
    rf"(?:[\w-]+\.)+(?:{TOP})\b(?:/\S*)?",
    rf"\w+\s+(?:dot|точка|punto)\s+(?:{TOP}|ру|ком|кз|нет)\b",
    r"\S*@\s*\S*(?:\s+(?:dot|точка|punto)\s+\w+)?",
    rf"\b(?:{SAID}|[\w-]+)\s+(?:at|собака|arroba)\s+{SAID}\b",
    r"[a-z][\w.-]*\s*(?:\(at\)|собака|arroba)\s*[a-z][\w.-]*(?:\s*(?:dot|точка|punto|\.)\s*\w+)?",
    r"\S*_\S*",
    r"\b(?:insta(?:gram)?|snap(?:chat)?|tiktok|telegram|tg|discord|vk|facebook|fb|whats?app|skype|steam|тг|телег\w*|инст\w*|вк|ватсап\w*|"
    r"вотсап\w*|дискорд\w*|username|handle|login|usuario|perfil)\s*(?:is\b|name\b|nick\b|ник\b|es\b|это\b|[:=—-])\s*(?P<hide>\S+)",
    r"\b(?:username|nickname|ник|никнейм|логин)(?:\s+(?:on|in|в|en)\s+\w+)?\s*(?:is\b|это\b|es\b|[:=—-])?\s+(?P<hide>\S+)",
    # Numbers: every word with a digit, and those in words that tell an age, a class, a phone.
    r"\S*\d\S*",
    rf"\b{ONES}(?:[\s-]+{ONES}){{3,}}\b",
    rf"\b(?:{EN_TENS}|{RU_TENS}|{ES_TENS})(?:[\s-]+{ONES})?\b",
    rf"\b(?P<hide>{ONES})[\s-]+(?:years?|yrs?|yo|y/o|лет|годик\w*|год[ау]?|años|anos|añitos)\b",
    r"\b(?!(?:не)?совершенно|много|мало)\w{3,}летн(?:ий|яя|его|ей|ему|юю|им|ие|их)\b",
    r"\b(?:tengo|tiene)\s+(?P<hide>once)\b",
    rf"\b(?P<hide>{NTH})\s+(?:grade|grader|year|form)\b",
    r"\b(?P<hide>(?:перв|втор|треть|четв[её]рт|пят|шест|седьм|восьм|девят|десят|одиннадцат)\w*)\s+класс",
    r"\b(?P<hide>primero|segundo|tercero|cuarto|quinto|sexto)\s+(?:de\s+)?(?:primaria|secundaria|bachillerato|eso|grado)\b",
    # Dates.
    r"\b(?:january|february|april|june|july|august|september|october|november|december)\b",
    r"\b(?:in|since|last|next|until|till)\s+(?P<hide>march|may)\b",
    rf"\b(?:march|may)\s+(?P<hide>{NTH})\b",
    r"\b(?:январ|феврал|апрел|июн|июл|сентябр|октябр|ноябр|декабр)[ьяюе]\w{0,2}\b|\bма(?:й|я|е|ю|ем)\b|\b(?:март|август)(?:а|е|у|ом)?\b",
    r"\b(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre)\b",
    # How somebody is called.
    rf"\b(?:name\s+is|name's|named|nicknamed|(?:is|was|'s|im)\s+called|call\s+me)\s+(?P<rare>{WORD})",
    rf"\b(?:зовут|по\s+имени|имя|фамилия)\s*[:—-]?\s*(?P<rare>{WORD})",
    rf"\b(?:(?:me|se)\s+llam[oa]|nombre\s+es|apellido\s+es|llamad[oa]|le\s+dicen)\s+(?P<rare>{WORD})",
    rf"\b(?:dr|dra|mr|mrs|ms|sr|sra|prof)\.?\s+(?P<rare>{WORD})",
    rf"\b(?:san|santa|santo|saint)\s+(?P<hide>{WORD})",
    # Streets.
    rf"\d\w*\s+(?P<hide>{WORD}(?:\s+{WORD})?)\s+(?:st|street|ave|avenue|rd|road|ln|lane|dr|drive|blvd|court|ct|way|place|pl|close)\b",
    rf"(?P<rare>{WORD})\s+(?:street|avenue|boulevard|blvd|ave)\b",
    rf"\b(?:ул|пр-т|просп|пер|мкр|мкрн|б-р)\b\.?\s*(?P<hide>{WORD}{CAPITALISED})",
    r"\bулиц\w*\s+(?P<hide>[^\d\n.!?]{2,30}?),?\s*(?:д\.?|дом\w*)?\s*\d",
    rf"\b(?:жив|адрес|дом)[^.!?\n]{{0,20}}\bулиц\w*\s+(?P<hide>{WORD}{CAPITALISED})",
    r"(?P<rare>\w+(?:ая|ой|ую))\s+улиц\w*",
    rf"\b(?:проспект\w*|микрорайон\w*|бульвар\w*|переул\w+)\s+(?P<rare>{WORD})",
    r"\b(?:calle|avenida|avda?\.?|carrera|cra\.?)\s+(?P<hide>[^\d\n.!?]{2,30}?),?\s*(?:#|número|num\.?)?\s*\d",
    rf"\b(?:viv|direcci)[^.!?\n]{{0,20}}\bcalle\s+(?:de\s+|del\s+|de\s+la\s+)?(?P<hide>{WORD}{CAPITALISED})",
    rf"\b(?:avenida|avda?\.?|jir[oó]n|colonia|urbanizaci[oó]n|paseo)\s+(?:de\s+(?:l[ao]s?\s+)?|del\s+)?(?P<rare>{WORD})",
    # Schools and clinics by name.
    rf"\b{SCHOOL}\s+(?:named|called|имени|им\.?|доктора|профессора|под\s+названием|называется|llamad[oa]|doctora?)\s+(?P<hide>{WORD}{CAPITALISED})",
    rf"\b{SCHOOL}\s+(?P<hide>\"[^\"\n]{{1,60}}\")",
    rf"(?P<rare>{WORD})\s+(?:(?:high|middle|elementary|primary|grammar|secondary)\s+school|academy|university|college|clinic|hospital)\b",
    # Where somebody lives or is from; towns that no list of ours has.
    rf"\b(?:live|lives|living|lived|staying|moved|move)\s+(?:in|near|at|to)\s+(?P<rare>{WORD})",
    rf"\b(?:i'm|im|am|we're|were|are|is|he's|hes|she's|shes)\s+from\s+(?P<rare>{WORD})",
    rf"\bжив\w+\s+(?:в|под|около)\s+(?:город|сел|пос[её]лк|деревн|аул)\w*\s+(?P<rare>{WORD})",
    rf"\bжив(?:у|ем|ём)\s+(?:в|под|около)\s+(?!{ABODE})(?P<rare>{WORD})",
    rf"\b(?:я|мы|он|она|они|родом)\s+из\s+(?:(?:города|села|пос[её]лка|деревни|аула)\s+)?(?P<rare>{WORD})",
    rf"\b(?:г|пос)\.\s*(?P<hide>{WORD})",
    rf"\b(?:viv(?:o|e|imos|en|es)\s+en|(?:soy|somos|vengo)\s+de|pueblo\s+de|municipio\s+de|ciudad\s+de)\s+(?P<rare>{WORD})",
)
"""Of a match the group `hide` is taken out; `rare` where it is no ordinary word; without a group all of it."""

PATTERNS = tuple(re.compile(shape, re.IGNORECASE) for shape in SHAPES)
