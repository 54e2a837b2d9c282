"""What a translation has to share with its English, and what its form must be."""

import functools
import re
from collections import Counter

FENCES = re.compile(r"^(?:```|~~~)(?!\{).*?^(?:```|~~~)$", re.S | re.M)
FORMULAS = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.S)
CODE = re.compile(r"`+[^`]+`+")
ROLES = re.compile(r"(\{\w+\})`[^`<]*<([^>]+)>`")  # their words are translated
VALUES = re.compile(r"\{[^{}\n]+\}")  # in a template
NUMBERS = re.compile(r"(?<![A-Za-z\d.])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
STRUCTURE = ("heading", "list_item", "tr", "td", "th", "blockquote", "hr")
OPENED = re.compile(r"^[`:]{3,}\{.*$|^:[\w-]+:", re.M)
DIRECTIVE = re.compile(r"^([`:]{3,})\{[\w-]+\}.*?$|^[`:]{3,} *$|^:[\w-]+:", re.M)
HAN = r"[\u4e00-\u9fff]"
HALF_WIDTH = re.compile(f"{HAN}[,;:?!](?={HAN})")
BROKEN_LINE = re.compile(f"{HAN}\n{HAN}")

# What a term is not called: the glossary has one word for each.
FORBIDDEN = {
    "随机失活": "dropout",
    "正规化": "正则化",
    "规则化": "正则化",
    "批标准化": "批量归一化",
    "批规范化": "批量归一化",
    "数据增广": "数据增强",
    "数据扩充": "数据增强",
    "过度拟合": "过拟合",
    "泛化间隙": "泛化差距",
    "泛化鸿沟": "泛化差距",
    "权值衰减": "权重衰减",
    "提前停止": "早停",
    "校正曲线": "校准曲线",
    "标签平滑化": "标签平滑",
    "超参量": "超参数",
    "综合实战": "综合项目",
}


def parts(text):
    """What a text and its translation have in common, by name: each can be compared."""
    fences = FENCES.findall(text)
    rest = FENCES.sub("", text)
    formulas = FORMULAS.findall(rest)
    rest = FORMULAS.sub("x", rest)
    roles = ROLES.findall(rest)
    rest = ROLES.sub("", rest)
    directives = OPENED.findall(rest)
    rest = DIRECTIVE.sub("", rest)
    tokens = markdown().parse(rest)
    code = CODE.findall(rest)
    rest = CODE.sub("", rest)
    values = VALUES.findall(rest)
    words = re.sub(r"\]\([^)]*\)", "]", rest)
    words = re.sub(r"<[^>]+>|https?://\S+", " ", words)
    return {
        "code blocks": Counter(fences),
        "formulas": Counter(re.sub(r"\s+", "", formula) for formula in formulas),
        "roles": Counter(roles),
        "directives": Counter(directives),
        "inline code": Counter(code),
        "links": Counter(re.findall(r"\]\(([^)\s]+)", rest)),
        "values": Counter(values),
        "numbers": Counter(n.replace(",", "") for n in NUMBERS.findall(words)),
        "HTML tags": Counter(re.findall(r"</?[a-z]+", rest)),
        "structure": Counter(
            token.tag
            for token in tokens
            if token.type.removesuffix("_open") in STRUCTURE
        ),
    }


@functools.cache
def markdown():
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def prose(text):
    """The HTML of a text, without its code and formulas, directives opened."""
    inside = DIRECTIVE.sub("", FORMULAS.sub("x", text))
    page = markdown().render(inside)
    return re.sub(r"<code.*?</code>", "", page, flags=re.S)


def faults(english, chinese):
    """What is wrong with a translation: a list of lines, empty where nothing is."""
    found = []
    ours, theirs = parts(english), parts(chinese)
    for name in ours:
        lost, new = ours[name] - theirs[name], theirs[name] - ours[name]
        if lost or new:
            found.append(f"{name}: lost {[*lost.elements()]}, new {[*new.elements()]}")
    page = prose(chinese)
    if "**" in page:
        place = page.index("**")
        found.append(f"** does not close: {page[max(0, place - 20) : place + 20]!r}")
    if wrong := HALF_WIDTH.search(page):
        found.append(f"half-width punctuation: {wrong[0]!r}")
    if broken := BROKEN_LINE.search(chinese):
        found.append(f"a line break inside a paragraph: {broken[0]!r}")
    for word, right in FORBIDDEN.items():
        if word in page:
            found.append(f"{word!r}: the glossary says {right!r}")
    return found
