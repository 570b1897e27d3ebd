"""What the text of a single topic must not say, so far as words can tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

SPANS: Mapping[str, str] = {
    "en": r"hours?|weeks?|months?",
    "ru": r"час(?:а|ов|ы)?|недел\w+|месяц\w*",
    "es": r"horas?|semanas?|mes(?:es)?",
}
"""How long a block holds, an effect lasts or tolerance needs is not told: somebody would reckon with it."""
UNTIMED = (
    "naloxone-wears-off", "lost-tolerance", "naltrexone-forms", "using-while-blocked", "felt-nothing-took-more",
    "block-wearing-off", "starting-naltrexone", "naltrexone-and-pain", "implant-problems", "is-the-block-working",
)  # fmt: skip
WORDS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(UNTIMED, SPANS),
    "someone-down": {"en": r"walk them|cold water|sleep it off", "ru": r"холодн\w+ вод\w+|проспится", "es": r"agua fr[ií]a|dormir la mona"},
    "i-took-too-much": {"en": r"milk|coffee|charcoal", "ru": r"молок\w+|кофе|угол\w*", "es": r"leche|caf[eé]|carb[oó]n"},
    "self-harm": {"en": r"sins?|selfish|not tell anyone", "ru": r"грех\w*|эгоис\w+", "es": r"pecado|ego[ií]sta"},
    "someone-threatens-suicide": {
        "en": r"manipulat\w+|attention[- ]seek\w+|blackmail\w*",
        "ru": r"манипул\w+|шантаж\w*|привлечь внимание",
        "es": r"manipul\w+|chantaj\w+|llamar la atenci[oó]n",
    },
    "threats-for-money": {"en": r"manipulat\w+|blackmail\w*", "ru": r"манипул\w+|шантаж\w*", "es": r"manipul\w+|chantaj\w+"},
    "sudden-severe-withdrawal": {"en": r"only withdrawal", "ru": r"всего лишь ломк\w+|просто ломк\w+", "es": r"s[oó]lo (?:es )?(?:el )?mono"},
    "withdrawal": {"en": r"only withdrawal", "ru": r"всего лишь ломк\w+", "es": r"s[oó]lo es (?:el )?s[ií]ndrome"},
    "rescue-breathing": {
        "en": r"thirty|per minute|a minute|centimet\w+|inch\w*",
        "ru": r"тридцать|в минуту|сантиметр\w*",
        "es": r"treinta|por minuto|cent[ií]metr\w+",
    },
    "overdose-response": {"en": r"thirty|per minute", "ru": r"тридцать|в минуту", "es": r"treinta|por minuto"},
    "woke-up-after-naloxone": {"en": r"hours?|minutes?", "ru": r"час(?:а|ов|ы)?|минут\w*", "es": r"horas?|minutos?"},
    "trouble-for-calling": {
        "en": r"(?:nobody|no one) (?:gets|will get) (?:into|in) trouble|you will not (?:get|be) in(?:to)? trouble|hide (?:it|the)|run away",
        "ru": r"ничего не будет|никого не накажут|спрячь\w*|убегай\w*",
        "es": r"nadie (?:tendr[aá]|se meter[aá] en) problemas|no tendr[aá]s problemas|esconde\w*|huye",
    },
    "will-my-parents-know": {
        "en": r"(?:nobody|no one) will (?:ever )?(?:know|find out|be told)",
        "ru": r"никто (?:никогда )?не узнает",
        "es": r"nadie (?:lo )?(?:sabr[aá]|se enterar[aá])",
    },
    "privacy": {
        "en": r"(?:fully|completely|totally) anonymous",
        "ru": r"(?:полностью|совершенно) анонимн\w+",
        "es": r"(?:totalmente|completamente) an[oó]nim\w+",
    },
    "about-bot": {"en": r"i am a (?:doctor|nurse|person)", "ru": r"я (?:врач|человек)", "es": r"soy (?:un )?(?:m[eé]dic[oa]|persona)"},
    "naltrexone-cost": {"en": r"roubles?|dollars?|euros?", "ru": r"рубл\w+|доллар\w*|евро", "es": r"rublos?|d[oó]lares|euros?"},
    "naltrexone-what-is": {"en": r"is a cure", "ru": r"вылечивает|излечивает", "es": r"es una cura"},
    "is-blocking-nonsense": {"en": r"liars?|lied", "ru": r"лж[её]ц\w*|врун\w*|обманщик\w*", "es": r"mentiros[oa]s?"},
    "using-alone": {"en": r"safe to use|use safely", "ru": r"безопасно употреблять", "es": r"consumo seguro|consumir de forma segura"},
    "staying-safer": {"en": r"safe to use|use safely|safe use", "ru": r"безопасно употреблять|безопасное употребление", "es": r"consumo seguro"},
    "naltrexone-pregnancy": {"en": r"it is (?:safe|forbidden)", "ru": r"(?:это|он) (?:безопас\w+|запрещ\w+)", "es": r"es segur[oa]|est[aá] prohibid[oa]"},
    "craving-now": {"en": r"be strong|willpower", "ru": r"будь сильн\w+|возьми себя в руки|сил[аы] воли", "es": r"s[eé] fuerte|fuerza de voluntad"},
    "peer-pressure": {"en": r"lose (?:all )?your friends|real friends", "ru": r"потеряй всех|настоящие друзья", "es": r"pierde a tus amigos|verdaderos amigos"},
    "parent-guilt": {"en": r"bad (?:parent|mother|father)", "ru": r"плох(?:ой|ая) (?:родитель|мать|отец)", "es": r"mal(?:a)? (?:madre|padre)"},
    "grief": {
        "en": r"at least|should have|better place",
        "ru": r"хотя бы|по крайней мере|в лучшем мире",
        "es": r"al menos|deber[ií]a haber|un lugar mejor",
    },
    "after-their-overdose": {"en": r"never again|or out", "ru": r"больше никогда", "es": r"nunca m[aá]s"},
    "home-drug-test": {"en": r"cut-?offs?|urine strips?|test strips?", "ru": r"тест-?полоск\w+|порогов\w+", "es": r"tiras? reactivas?|punto de corte"},
    "found-drugs": {"en": r"(?<!not )(?<!never )taste it", "ru": r"(?<!не )попробуйте на вкус", "es": r"(?<!no )pru[eé]bel[oa]"},
}  # fmt: skip
"""By topic and language. Words that are right elsewhere and wrong here; another topic is another row."""

MUST_NOT: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    topic: {language: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for language, words in rows.items()}
    for topic, rows in WORDS.items()
}
