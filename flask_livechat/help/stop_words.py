"""Words that say nothing about what a question is about, by language: without accents or with, as people type them."""

from __future__ import annotations

from collections.abc import Mapping

STOP_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(text.split())
    for language, text in {
        "en": """a about again all also am an and any anybody anyone anything are aren as at be because been being
            but by can cannot cant could couldn did didn do does doesn doing don dont else even ever for from
            get getting got had has hasn have haven having he hello help her here hey hi him his how i id if ill
            im in into is isn it its ive just keep kindly know let like ll make me mine much must my need needs
            no not now of off on one or our ours out please re really s she should shouldn so some somebody
            someone something still t tell than thank thanks that the their them then there these they thing
            things this those to too trying tried try u up us use ve very want wanted wants was wasn way we were
            weren what whats when where which who whom whose why will with without won wont would wouldn yet you
            your yours""",
        "de": """ab aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim
            bekomme bekommen bin bis bitte brauche da damit dann das dass dein deine dem den denn der des dich
            die dies diese diesem diesen dieser dieses dir doch du durch eigentlich ein eine einem einen einer
            eines einfach er es etwas euch euer eure für fuer gegen geht gibt habe haben hallo hat hatte hier
            hilfe ich ihm ihn ihnen ihr ihre ihrem ihren im in ins irgendwie ist ja jetzt kann kannst kein keine
            keinen können koennen könnte konnte man mal mein meine meinem meinen meiner mich mir mit möchte
            moechte muss müssen nach nicht nichts noch nun nur ob oder ohne schon sehr sein seine sich sie sind
            so soll sollte um und uns unser unsere vom von vor wann war warum was weil wenn wer werde werden wie
            wieder wieso will wir wird wo woher wohin wurde wurden zu zum zur""",
        "fr": """a ai aide aider ainsi alors après as au aucun aussi autre aux avais avec avez avoir avons besoin
            bonjour c ça car ce cela ces cet cette ceux chez ci comme comment d dans de des donc dont du elle
            elles en encore est et eu être etre fait faire faut il ils j je l la là le les leur leurs lui m ma
            mais me même mes moi mon n ne ni non nos notre nous on ont ou où par parce pas peu peut peux plus
            pour pourquoi pourrais pouvez pouvoir puis qu quand que quel quelle quelles quels quelqu qui quoi s
            sa salut sans se ses si son sont suis sur t ta te tes toi ton tout toute toutes tous très trop tu un
            une vais vers veux vos votre voudrais vous vouloir y""",
        "pl": """a aby ale albo am bardzo bez bo by być było byl był była byly ci co coś czemu czy czyli dla do
            dlaczego dzień dobry gdy gdzie go i ich ile im inny ja jak jaka jaki jakie jakieś je jego jej jest
            jestem jeszcze jeśli jesli już juz każdy kiedy kim kto która które który ktoś lub ma macie mam mamy
            mi mnie mną mogę moge moja moje moim mój moj może moze można mozna mu musi muszę musze my na nad nam
            nami nas nasz nie niech nią nic nim nimi niż no o od on ona one oni ono oraz pan pani po pod podczas
            pomoc pomocy ponieważ potrzebuję potrzebuje pomóc proszę prosze przed przez przy są sa sam się sie
            skąd swoje swój ta tak taki tam te tego tej ten też tez to tu twój twoja ty tych tylko tym u w we
            witam więc wam was wasz wszystko z za zrobić zrobic że ze żeby zeby""",
        "es": """a al algo algún alguna algunas alguno algunos ante así aún ayuda bien buenas cada como cómo con cual
            cuál cuando cuándo de del desde donde dónde dos e el él ella ellas ellos en entre era es esa ese eso
            esta está estas este esto estos estoy fue ha hace hacer han has hasta hay he hola la las le les lo
            los más me mi mí mis mucho muy necesito ni no nos nosotros nuestra nuestro o os otra otro para pero
            por porque por puede puedo pues que qué quien quién quiero se sé ser si sí sin sobre son soy su sus
            también tan te tengo tiene todo todos tu tus un una unas uno unos usted ustedes ya yo""",
        "it": """a ad ai al alla alle agli anche avere aiuto buongiorno c che chi ci ciao come con cosa così cui da
            dai dal dalla dalle dei del della delle dello degli di dove e è ed era essere fa fare gli ha hai
            hanno ho i il in io l la le lei li lo loro lui ma mi mia mie miei mio molto ne nei nel nella nelle
            no noi non nostro o ogni per perché perche più poi posso può quale quali quando quanto quella quelle
            quelli quello questa queste questi questo qui se sei senza si sia siamo sono sta su sua sue sui sul
            sulla suo ti tra tu tua tuo tutto un una uno vi voglio vorrei""",
        "pt": """a à ainda ajuda alguém algum alguma ao aos aqui as às até bom com como d da dar das de dela dele
            depois do dos e é ela ele eles em entre era essa esse esta está estão este eu faço fazer foi há isso
            isto já la lhe mais mas me mesmo meu meus minha minhas muito na não nao nas nem no nos nós nossa
            nosso num numa o olá ou os para pela pelo por porque posso preciso pode qual quando que quem quero
            se sem ser seu seus sim só sobre sou sua suas também te tem tenho ter teu tu tua um uma você voce
            vocês""",
        "nl": """aan al alle alles als andere ben bij dan dat de deze die dit doe doen door dus een en er ga geen
            graag had hallo heb hebben heeft hem het hier hij hoe hulp ik iets in is ja je jij jullie kan kun
            kunnen maar me mee meer met mij mijn moet moeten na naar niet niets nog nu of om omdat onder ons
            onze ook op over te toch toe tot u uit uw van veel voor waar waarom wanneer want waren was wat we
            wel werd wie wij wil willen worden zal ze zich zij zijn zo zonder zou""",
        "sv": """alla allt att av bara blir de dem den denna det detta dig din dina dit du där efter ej eller en er
            ett för från får gör ha han har hej hjälp hon hur här i inte ja jag kan kunde man med men mig min
            mina mitt mot mycket måste ni nu när någon något när och om oss på sig sin sitt ska skulle som så
            till upp ut utan vad var varför vem vi vid vilken vill vår är än åt över""",
    }.items()
}
