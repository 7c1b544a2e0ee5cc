"""Words that say nothing about what a question is about, by language: without accents or with, as people type them."""

from __future__ import annotations

from collections.abc import Mapping

STOP_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(text.split())
    for language, text in {
        "en": """a about again all also am an and any anybody anyone anything are aren arent as at be because been
            being but by came can cannot cant come comes could couldn did didn didnt do does doesn doesnt doing
            don dont else even ever for from get getting go goes going gone got had has hasn hasnt have haven
            havent having he hello help her here hey hi him his how i id if ill im in into is isn isnt it its
            ive just keep kindly know let like ll make me mine much must my need needs no not now of off on one
            or our ours out please re really s she should shouldn so some somebody someone something still t
            tell than thank thanks that the their them then there these they thing things this those through to
            too tried try trying u up us use ve very want wanted wants was wasn wasnt way we were weren werent
            what whats when where which who whom whose why will with without won wont would wouldn yet you your
            yours""",
        "de": """ab aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim
            bekomme bekommen bin bis bitte brauch brauche da damit dann das dass dein deine dem den denn der des
            dich die dies diese diesem diesen dieser dieses dir doch dringend du durch eigentlich ein eine einem
            einen einer eines einfach er es etwas euch euer eure fuer für gegen geht gerade gibt hab habe haben
            hallo hat hatte hier hilfe ich ihm ihn ihnen ihr ihre ihrem ihren im in ins irgendwie ist ja jetzt
            kann kannst kein keine keinen koennen konnte können könnte mal man mein meine meinem meinen meiner
            mich mir mit moecht moechte muesst muss möchte müssen nach nicht nichts noch nun nur ob oder ohne
            schon sehr sein seine sich sie sind so soll sollen sollte um und uns unser unsere vom von vor wann
            war warum was weil wenn wer werde werden wie wieder wieso will wir wird wo woher wohin wollen worden
            wurde wurden würde zu zum zur""",
        "fr": """a ai aide aider ainsi alors après as au aucun aurais aussi autre aux avais avec avez avoir avons
            besoin bonjour c car ce cela ces cet cette ceux cherche chez ci comme comment d dans de des dois
            doit donc dont du elle elles en encore est et etre eu faire fait faut il ils j je l la le les leur
            leurs lui là m ma mais me mes moi mon même n ne ni non nos notre nous on ont ou où par parce pas peu
            peut peuvent peux plus pour pourquoi pourrais pourrait pouvez pouvoir puis qu quand que quel quelle
            quelles quelqu quels qui quoi s sa salut sans se ses si son sont souhaite suis sur t ta te tes toi
            ton tous tout toute toutes trop très tu un une vais vers veut veux vos votre voudrais voudrait
            vouloir vous y ça être""",
        "pl": """a aby albo ale am bardzo bez bo by byl byly być był była było chce chcemy chcę ci co coś czemu czy
            czyli dla dlaczego do dobry dzień gdy gdzie go i ich ile im inny ja jak jaka jaki jakie jakieś je
            jego jej jesli jest jestem jeszcze jeśli juz już każdy kiedy kim kto ktoś która które który lub ma
            macie mam mamy mi mnie mną moge mogę moim moj moja moje moze mozna może można mu musi musze muszę my
            mój na nad nam nami nas nasz nic nie niech nim nimi nią niż no o od on ona one oni ono oraz pan pani
            po pod podczas pomoc pomocy pomóc ponieważ potrzebuje potrzebuję powinien powinna prosze proszę
            przed przez przy sa sam sie się skąd swoje swój są ta tak taki tam te tego tej ten tez też to trzeba
            tu twoja twój ty tych tylko tym u w wam was wasz we witam więc wszystko z za ze zeby zrobic zrobić
            że żeby""",
        "es": """a al algo alguna algunas alguno algunos algún ante así ayuda aún bien buenas cada como con cual
            cuando cuál cuándo cómo de del desde donde dos dónde e el ella ellas ellos en entre era es esa ese
            eso esta estas este esto estos estoy está fue ha hace hacer han has hasta hay he hola la las le les
            lo los me mi mis mucho muy más mí necesito ni no nos nosotros nuestra nuestro o os otra otro para
            pero por porque puede puedo pues que quien quiero quién qué se ser si sin sobre son soy su sus sé sí
            también tan te tengo tiene todo todos tu tus un una unas uno unos usted ustedes ya yo él""",
        "it": """a ad agli ai aiuto al alla alle anche avere buongiorno c che chi ci ciao come con cosa così cui da
            dai dal dalla dalle degli dei del della delle dello di dove e ed era essere fa fare gli ha hai hanno
            ho i il in io l la le lei li lo loro lui ma mi mia mie miei mio molto ne nei nel nella nelle no noi
            non nostro o ogni per perche perché più poi posso può quale quali quando quanto quella quelle quelli
            quello questa queste questi questo qui se sei senza si sia siamo sono sta su sua sue sui sul sulla
            suo ti tra tu tua tuo tutto un una uno vi voglio vorrei è""",
        "pt": """a ainda ajuda algum alguma alguém ao aos aqui as até bom com como d da dar das de dela dele depois
            do dos e ela ele eles em entre era essa esse esta este está estão eu fazer faço foi há isso isto já
            la lhe mais mas me mesmo meu meus minha minhas muito na nao nas nem no nos nossa nosso num numa não
            nós o olá os ou para pela pelo pode por porque posso preciso qual quando que quem quero se sem ser
            seu seus sim sobre sou sua suas só também te tem tenho ter teu tu tua um uma voce você vocês à às é""",
        "nl": """aan al alle alles als andere ben bij dan dat de deze die dit doe doen door dus een en er ga geen
            graag had hallo heb hebben heeft hem het hier hij hoe hulp iets ik in is ja je jij jullie kan kun
            kunnen maar me mee meer met mij mijn moet moeten na naar niet niets nog nu of om omdat onder ons
            onze ook op over te toch toe tot u uit uw van veel voor waar waarom wanneer want waren was wat we
            wel werd wie wij wil willen worden zal ze zich zij zijn zo zonder zou""",
        "sv": """alla allt att av bara blir de dem den denna det detta dig din dina dit du där efter ej eller en er
            ett från får för gör ha han har hej hjälp hon hur här i inte ja jag kan kunde man med men mig min
            mina mitt mot mycket måste ni nu när någon något och om oss på sig sin sitt ska skulle som så till
            upp ut utan vad var varför vem vi vid vilken vill vår än är åt över""",
    }.items()
}
