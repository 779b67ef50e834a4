"""Lexicon: the words and phrases that decide the kinds of tokens; English, our own short lists.

Phrases are regular expressions in lower case, in which a space matches any spaces and tabs and `'` both apostrophes.
They match whole words only. `marking` decides where each of them may occur.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HELPER = (
    r"(doctor|physician|psychiatrist|psychologist|therapist|counsel+or|pharmacist|vet|veterinarian|lawyer|attorney"
    r"|professional|specialist|expert|adviser|advisor|electrician|provider)"
)
_REFUSED = (
    r"(help|assist|provide|give|support|write|share|offer|create|generate|produce|condone|encourage|recommend|explain"
    r"|describe|fulfil|fulfill|engage|answer|do|tell|teach|participate|promote|discuss|comply|show|endorse|suggest"
    r"|facilitate|respond|advise|guide)"
)
_UNFIT = (
    r"(acceptable|appropriate|okay|ok|ethical|legal|moral|morally right|justified|permissible|respectful|condoned"
    r"|tolerated)"
)
_WRONG = r"(unethical|illegal|immoral|unlawful|inappropriate|morally wrong|harmful|unacceptable (and|to|behavio\w+))"
_THIS = r"(that|this|it|your request|(this|that|such a) request)"

GREETINGS = (
    r"(thank you|thanks)( a lot| so much| very much)?( for (your \w+|reaching out|\w+ing( me| us| this| that)?))?",
    r"happy to (help|assist|clear|explain|answer)( you)?( with)?( this| that)?( up)?",
    r"(what|that is|that's|this is) (a|an|such a|indeed a)( \w+){0,3} (question|thing|topic|idea|request|puzzle|one)"
    r"( to (ask|wonder about|think about|know))?",
    r"(great|good|excellent|fantastic|wonderful|interesting|lovely) (question|choice|idea|topic)",
    r"(i am|i'm|i would be|i'd be|i will be|i'll be)( very| so| always)? (happy|glad|delighted|pleased)"
    r" to (help|assist)( you)?( out)?( with (that|this|your \w+))?",
    r"i (can|will|would love to|'d love to) (certainly |gladly |definitely )?help( you)?( with (that|this))?",
    r"(it is|it's) (a|my) pleasure to help( you)?",
    r"i appreciate (that you asked|your (question|interest))( me)?",
    r"let us take a look",
    r"get ready for this",
    r"idk but",
    r"congratulations( on \w+ \w+)?",
    r"good (morning|day|afternoon|evening)",
    r"(hello|hi) and welcome",
)
"""Openings, whatever follows."""
INTERJECTIONS = (
    r"(hello|hi|hey|greetings|dear)( there| everyone| friend| reader| \w+)?",
    r"(oh|ah|wow|yay|great|wonderful|awesome|nice|perfect|welcome|sure|sure thing|of course|certainly|absolutely"
    r"|definitely|gladly|with pleasure|no problem|good news( first)?)",
)
"""Openings only before a punctuation mark: `Great Britain` is not a greeting."""

OFFERS = (
    r"(please )?let me know( if| when| how| whether| what| should)?",
    r"(please )?(do )?(feel free|don't hesitate|do not hesitate) to",
    r"(i |we )?(really |sincerely )?hope (this|that|it|these|you (find|found) (this|it))( \w+){0,4}?"
    r" (helps|helped|help|helpful|useful|clear|interesting)",
    r"if you (have|have got|need|want|would like|'d like)( any| more| other| further| additional)+( \w+)?"
    r" (questions|question|help|information|details|assistance|guidance|tips|examples|ideas)",
    r"should you have( any| more| other| further)+ questions",
    r"(is|was) there anything else",
    r"(i am|i'm|i will be|i'll be)( always)? here (to help|if you|for you)",
    r"i (would|'d|will|'ll) be (happy|glad) to (help|assist|answer|explain|go)",
    r"i (would|'d) gladly help",
    r"(do )?tell me if",
)
"""Closings wherever a clause begins, up to the end of the sentence."""
FAREWELLS = (
    r"good luck",
    r"(best wishes|best of luck)",
    r"(best|kind|warm) regards",
    r"(yours )?(sincerely|cheers)",
    r"enjoy",
    r"(have|wishing you|i wish you|we wish you) (a|an|fun|lots of fun|all the best|good)",
    r"happy \w+ing",
    r"take care(?= ?[.!])",
    r"stay (safe|well|healthy|curious|tuned)",
    r"(thank you|thanks)",
    r"(would|do|shall|can|could|may) (you|i) (like|want|need|show|help|tell|give|explain)",
    r"(what|which)( \w+){0,4} (would|do|should|can) (you|i)",
    r"what happened",
    r"if you (tell|give|share|send|let|like|would like|'d like|want|wish)",
    r"if you'd like",
    r"just ask",
    r"happy to help",
    r"(google it|whatever)",
    r"amazing , ?right|amazing, right",
    r"can you believe it",
    r"a reference work gives the details",
)
"""Closings only where nothing but closings follows; they take the whole sentence."""

REFUSALS = (
    r"(but )?i (simply |really |honestly )?(cannot|can't|can not|could not|couldn't|won't|will not|would not|wouldn't"
    r"|must not|am not able to|am unable to|am not going to|do not want to|don't want to|have to decline to"
    r"|must decline to)( \w+ly)? " + _REFUSED + r"( you)?( with)?( " + _THIS + r")?",
    r"i'm (not able to|unable to|not going to)( \w+ly)? " + _REFUSED + r"( you)?( with)?( " + _THIS + r")?",
    r"i (must|have to|need to|will|would) (respectfully )?(decline|refuse)",
    r"i (am|'m) going to say no( to (this|that)( one)?)?|i'm going to say no( to (this|that)( one)?)?",
    r"(i am not|i'm not|i do not feel|i don't feel) comfortable( with)?",
    r"(i am|i'm) not (allowed|programmed|designed) to",
    r"i (won't|will not) be able to " + _REFUSED,
    r"(is not|isn't) something (that )?i (can|am able to|could|will) " + _REFUSED,
    r"(i|and|but) (do not|don't) (condone|promote|endorse|encourage|support)",
    r"do not have the (capability|ability) to (assist|help|provide|support|answer)",
)
OBJECTIONS = (
    r"(is|are|would be|be) never( \w+)? " + _UNFIT,
    r"(is|are) never (recommended|the (right|answer|solution))",
    r"(is|are|would be) not( \w+)? " + _UNFIT + r"( (or|and|nor) \w+)?( to)?",
    r"(is|are) not (a )?(safe|healthy|productive|constructive) (or|and) \w+",
    r"(is|are)( a| an| not only| both| highly| deeply| completely| very| extremely| generally"
    r"| potentially| often)* " + _WRONG,
    r"(is|are)( a| an| considered| not only| both| serious| grave)* (crime|criminal (act|activity|offen[sc]e)|felony)",
    r"(i |we )?((strongly|would|must|highly) )+(advise|recommend|caution|warn|urge) (you )?(against|not to)",
    r"should never be (considered|used|done|encouraged|attempted)",
    r"(is|are) not (a|the) (\w+ ){0,3}(solution|mindset)",
    r"against the law",
    r"instead of (resorting to|engaging in such|trying to find)",
    r"(goes|go) against (my|our|the|basic)( \w+)? (\w+)",
)
"""Only in the opening of an answer: objections to what is asked. Further on, they may belong to the topic."""
DISCLAIMERS = (
    r"(i am|i'm|we are)( very| so| really| truly| deeply)? sorry( ?, ?but)?",
    r"(i|we) (sincerely )?apologi[sz]e( for (that|this|any confusion))?( ?, ?but)?",
    r"(my|sincere) apologies",
    r"(but )?as an? (ai|artificial intelligence|language model)( language)?( model| assistant)?",
    r"i (am|'m) (just |only |merely )?(an ai|a language model)( language)?( model| assistant)?",
    r"i'm (just |only |merely )?(an ai|a language model)( language)?( model| assistant)?",
    r"(i am|i'm) not an? (medical |legal |financial )?" + _HELPER,
    r"(not|no) (a )?substitute for( professional| medical| legal)*( advice)?",
    r"not( intended as| constitute)? (medical|legal|financial) advice",
    r"(please )?(always )?(consult|contact|see|speak (to|with)|talk (to|with)|ask|check with|seek (help|advice) from)"
    r"( with)? (a|an|your|their)( \w+){0,2} " + _HELPER,
    r"(please )?(seek|get)( immediate| professional| medical| emergency| legal)+"
    r" (help|advice|attention|care|assistance)",
    r"(please )?seek help",
    r"(crisis|suicide|emergency) (line|hotline|number|service|services|department)",
    r"(please )?(call|reach out to|contact)( \w+){0,2}"
    r" (911|112|999|police|ambulance|(crisis|suicide|help) (line|hotline))",
    r"for educational purposes( only)?",
    r"at your own risk",
    r"against the law",
    r"(do not|don't|never) try this( at home)?",
    r"(please )?(be careful|use caution|exercise caution|proceed with caution)",
)
WARNING_LABELS = r"(safety (note|warning|first)|warning|caution|disclaimer|danger)"
"""At the start of a line, before a colon."""
SAFETY_WORDS = _words("illegal illegally unlawful unethical immoral inappropriate")
REFUSAL_REASONS = _words(
    "abuse crime crimes criminal danger dangerous dangers fraud harm harmed harmful harming harms hateful hurt hurting "
    "hurts injure injured injury kill kills legal offensive police risk risks risky safe safely safety unsafe victim "
    "victims violate violates violence violent consequences"
)
"""Safety words in answers that refuse; in other answers they are the topic."""

LEADS = (
    r"(here|these|below|following) (is|are)( \w+){0,3} (steps|step|tips|tip|ways|examples|example|facts|ideas|reasons"
    r"|points|options|suggestions|things|list|overview|summary|guide|answer|plan|breakdown|recipe|explanation)",
    r"here (is|are)( some| a few| the| a| an| my)?",
    r"here's( \w+){0,3} (list|overview|guide|summary|plan|breakdown|recipe|answer|explanation|example)",
    r"here's( some| a few| the| a| an| my)?",
    r"in brief ?, the following holds",
    r"the record shows the following",
    r"the following",
)
"""Announcements of what follows, at the start of a sentence."""
LABELS = (
    r"((an? |pro |quick |helpful |useful |extra |bonus |final |important |key )?(tips?|notes?|steps?|examples?|answer"
    r"|summary|conclusion|ingredients|instructions|overview|introduction|takeaways?|points?|facts?|pros|cons))( \d+)?"
)
"""At the start of a line, before a colon."""

CONNECTIVES = (
    r"for (example|instance)",
    r"(in|by) contrast",
    r"in (addition|conclusion|summary|short|brief|general|fact|other words|particular|the end|the meantime)",
    r"on the (other|one) hand",
    r"as a result",
    r"that (said|being said)",
    r"to (summarize|summarise|sum up|conclude|begin with|start with)",
    r"first of all",
    r"last but not least",
    r"with (this|that) in mind",
    r"(it is|it's) (also )?(important|worth|essential|crucial|helpful) (to note|noting|to remember|to mention) that",
    r"(please )?(note|remember|keep in mind|bear in mind) that",
    r"however(?= ?,)",
    r"(therefore|moreover|furthermore|additionally|nevertheless|nonetheless|consequently|accordingly|likewise"
    r"|similarly|conversely|thus|hence)",
    r"(e\.g\.|i\.e\.)",
    r"as i said before",
    r"there is a lot to say about this",
    r"one could go on and on",
)
"""Anywhere."""
SENTENCE_CONNECTIVES = (
    r"(then|finally|lastly|firstly|secondly|thirdly|also|meanwhile|besides|afterwards|overall|ultimately|basically"
    r"|essentially|generally|typically|interestingly|importantly|specifically|alternatively|instead|yet|so|now)",
    r"after (that|this)",
)
"""Only at the start of a sentence."""
COMMA_CONNECTIVES = (
    r"(first|second|third|fourth|fifth|next|last|still|again|of course|in any case|remember|indeed|well|actually)"
)
"""Only at the start of a sentence, before a comma: `First, …` but not `First presidents …`."""

ADDRESS = _words(
    "you your yours yourself yourselves you're you've you'll you'd i me my mine myself i'm i've i'll i'd we us our "
    "ours ourselves we're we've we'll we'd let's please thanks"
)
ADDRESS_PHRASES = (r"thank you", r"let us")

FUNCTION = _words(
    "a an the this that these those such some any all both each every either neither no none another other others "
    "he him his himself she her hers herself it its itself they them their theirs themselves one ones oneself who whom "
    "whose which what whatever whoever whichever something anything nothing everything someone anyone everyone nobody "
    "somebody anybody everybody there here "
    "about above across after against along among around as at before behind below beneath beside between beyond by "
    "despite down during except for from in inside into like near of off on onto out outside over past per since "
    "through throughout till to toward towards under until up upon via with within without "
    "and but or nor so yet if then else than because although though while whereas unless whether when where why how "
    "that's it's there's here's he's she's what's who's they're they've they'll "
    "am is are was were be been being isn't aren't wasn't weren't do does did doing done don't doesn't didn't have has "
    "had having haven't hasn't hadn't can could may might must shall should will would cannot can't couldn't mustn't "
    "shouldn't won't wouldn't ought "
    "not also too very just only even ever never always still again more most much many few fewer less least "
    "own same quite rather almost already once yes now well etc"
)
