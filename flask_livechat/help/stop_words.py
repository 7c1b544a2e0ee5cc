"""Words that say nothing about what a question is about, by language: without accents or with, as people type them."""

from __future__ import annotations

from collections.abc import Mapping

STOP_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(text.split())
    for language, text in {
        "en": """a able about actually again all already also always am an and another any anybody anymore anyone
            anything anyway are aren arent as at be because been being both but by came can cannot cant click
            clicked clicking come comes could couldn currently did didn didnt different do does doesn doesnt doing
            don dont during either else even ever every everything few find first for found from gave get getting
            give given gives giving go goes going gone got had happen happened happens has hasn hasnt have haven
            havent having he hello help her here hey hi him his how hows i id if ill im impossible in instead into
            is isn isnt it its ive just keep keeps kept kindly know later less let lets like ll longer look looking
            lot lots make many may maybe me might mine more most much must my need needs never new next no not now
            of off ok okay old on one only or other others our ours out please possible put re really recently right
            s same say saying says see seem seems several she should shouldn show shows since so some somebody
            someone something soon sorry still such sure t take takes taking tell than thank thanks that thats the
            their them then there therefore these they thing things think this those though through to today told
            too took tried try trying u until up us use using ve very want wanted wants was wasn wasnt way we well
            were weren werent what whats when where wheres which while who whom whose why will with without won wont
            work worked working works would wouldn wrong yes yet you your yours""",
        "de": """ab aber alle allem allen aller alles als also alt alte alten alter altes am an andauernd ander andere
            anderen anderer anderes angeblich auch auf aus bald bei beim bekam bekomm bekomme bekommen bin bis
            bisher bitte bleiben bleibt brauch brauche da dabei dafür dagegen daher damit dann daran darauf darf das
            dass davon dazu dein deine dem den denn der deren derzeit des deshalb dich die dies diese diesem diesen
            dieser dieses dir doch dort dringend du durch dürfen eben eigene eigenen eigentlich ein eine einem einen
            einer eines einfach endlich er erst es etwas euch euer eure falsch falsche falschen find finde finden
            findet fuer funktionieren funktioniert funktionierte für gar geb gebe geben gegen gehe gehen geht gehts
            gerade gern gerne gestern gib gibt gibts gleich gut hab habe haben hallo halt hast hat hatte heißt herum
            heute hier hilfe hält hätte hätten ich ihm ihn ihnen ihr ihre ihrem ihren im immer in ins irgendwie
            irgendwo ist ja jede jedem jeden jeder jedes jemand jemanden jetzt kann kannst kein keine keinen klappt
            koennen komm komme kommen kommt konnte können könnt könnte könnten könntet lass lasse lassen leider
            liegt lässt mache machen macht mal man mehr mein meine meinem meinen meiner mich mir mit moecht moechte
            muesst muss möchte müssen müsste nach neu neue neuem neuen neuer neues nicht nichts nie niemand nirgends
            noch nun nur nächste nächsten nächster ob oder ohne paar raus rein richtig sage sagen sagt schon sehe
            sehen sehr sein seine seit selber selbst sich sie sieht sind so soll sollen sollte sonst soviel sowie
            spät später stehen steht trag trage tragen trotzdem tun tut um und uns unser unsere viel viele vielen
            vielleicht vom von vor wann war warte warten warum was weil weiter welche welchem welchen welcher
            welches wenig weniger wenn wer werde werden wie wieder wieso will wir wird wirklich wo woher wohin
            wollen wollte worden wurde wurden wäre wären würde würden zeigt ziemlich zu zum zur zurzeit zwar
            überhaupt übrigens""",
        "fr": """a actuellement ai aide aider ailleurs ainsi aller allez alors ancien ancienne après as au aucun aucune
            aujourd aurais aussi autre aux avais avait avant avec avez avoir avons beaucoup besoin bien bonjour c
            car ce cela celle celui cependant certain certaine ces cet cette ceux chaque cherche chez chose choses
            ci combien comme comment d dans de demande depuis des devrait dire disent dit dois doit donc donne
            donner dont du déjà elle elles en encore ensuite entre est est-ce et etre eu faire fais fait faites faut
            fonctionne fonctionnent fonctionner hui il ils impossible j jamais je juste l la le les leur leurs lors
            lorsque lui là m ma maintenant mais marche marchent marcher mauvais mauvaise me merci mes mettre mis moi
            mon même n ne ni non nos notre nous nouveau nouveaux nouvel nouvelle nouvelles obtenir on ont ou où par
            parce parfois pas pendant peu peut peut-être peuvent peux plus possible pour pourquoi pourrais pourrait
            pouvez pouvoir puis puisque puisse qu quand que quel quelle quelles quelqu quelque quelques quels qui
            quoi s sa sais salut sans savoir se selon sera seraient serait ses seulement si simplement sinon soit
            son sont soudain souhaite stp suis suite sur svp t ta tant te tel telle tellement tes toi ton toujours
            tous tout toute toutes trop trouve trouver très tu un une va vais vas venir vers veut veux viens vient
            voir vos votre voudrais voudrait voudrions vouloir vous vraiment y ça étaient étais était été être""",
        "pl": """a aby albo ale am bardzo bedzie bez bo by byl byly być był była było będzie chce chcemy chcialbym
            chciałabym chciałbym chciec chcieć chcę ci ciagle ciągle co coś czemu czy czyli dajcie daje dalej dać
            dla dlaczego do dobry dostac dostaje dostaję dostalem dostać dostałam dostałem dotąd duzo dużo dziala
            dzialaja działa działają działać dzień dzisiaj dziś gdy gdzie gdzieś go i ich ile im inna inne innego
            innej inny innych iść ja jak jaka jaki jakie jakiego jakiej jakieś jakim jaką je jednak jego jej jesli
            jest jestem jeszcze jeśli jutro juz już każdy kiedy kilka kim kto ktoś która które którego której który
            których którym lub ma macie mam mamy mi mnie mniej mną moge mogę mogłem moich moim moj moja moje mojego
            mojej moją moze mozna może można mu musi musze muszę my mógłbym mój mówi na nad nadal nam nami nas nasz
            nasza nasze naszego naszej nic nie niech nigdy nim nimi nią niż no nowa nowe nowego nowej nowy nowych
            nową o obecnie od on ona one oni ono oraz oto pan pani pewnie pisze po pod podczas pomoc pomocy pomóc
            ponieważ poprzez potem potrzebuje potrzebuję powinien powinna prosze proszę przed przez przy robi robić
            sa sam sie się skąd sobie stara stare starego stary swoim swoja swoje swojego swojej swoją swój są ta
            tak taki tam te tego tej ten teraz tez też to trochę trzeba tu tutaj twoja twój ty tych tylko tym u w
            wam was wasz wcale wciąż wczoraj we widać widze widzę wiecej wiele witam więc więcej wszystko właśnie z
            za zawsze ze zeby zle znajde znajdę znalezc znaleźć zrobic zrobić zła złe zły źle że żeby""",
        "es": """a ahora al algo alguna algunas alguno algunos algún ante así aunque ayuda aún bien buenas cada como con
            conseguir cual cuando cuál cuándo cómo dar de del desde donde dos dónde e el ella ellas ellos en
            encontrar encuentro entre era es esa ese eso esta estas este esto estos estoy está fue funciona
            funcionan ha hace hacer han has hasta hay he hola la las le les lo los me mi mis mucho muy más mí
            necesito ni no nos nosotros nuestra nuestro nueva nuevo nunca o os otra otro para pero poder por porque
            puede pueden puedo pues que quien quiero quisiera quién qué se ser si siempre sin sobre solo son soy su
            sus sé sí sólo también tampoco tan te tengo tiene todavía todo todos tu tus un una unas uno unos usted
            ustedes ver vez vieja viejo ya yo él""",
        "it": """a ad adesso agli ai aiuto al alla alle anche ancora avere bene buona buongiorno c che chi ci ciao come
            con cosa così cui da dai dal dalla dalle dare degli dei del della delle dello di dopo dove e ed era
            essere fa fare funziona già gli ha hai hanno ho i il in io l la le lei li lo loro lui ma mai mi mia mie
            miei mio molto ne nei nel nella nelle no noi non nostro nuova nuovo o ogni ora per perche perché più poi
            posso posto prima può qualche quale quali quando quanto quella quelle quelli quello questa queste questi
            questo qui se sei sempre senza si sia siamo solo sono sta su sua sue sui sul sulla suo ti tra trovare
            trovo tu tua tuo tutto un una uno vecchia vecchio vedere vi voglio vorrei vorremmo è""",
        "pt": """a agora ainda ajuda algum alguma alguém antiga antigo ao aos aqui as até bom com como consigo d da dar
            das de dela dele depois do dos e ela ele eles em encontrar entre era essa esse esta este está estão eu
            fazer faço foi funciona há isso isto já la lhe mais mas me mesmo meu meus minha minhas muito na nao nas
            nem no nos nossa nosso nova novo num numa nunca não nós o olá onde os ou outro para pela pelo pode por
            porque posso preciso qual quando que quem quero se sem sempre ser seu seus sim sobre sou sua suas só
            também te tem tenho ter teu tu tua um uma ver voce você vocês à às é""",
        "nl": """aan al alle alles als altijd andere ben bij dan dat de deden deze die dit doe doen doet door dus een
            eigenlijk en er ga gaan gaat geen graag had hallo heb hebben heeft hem het hier hij hoe hulp iets ik in
            is ja je jij jullie kan krijg krijgen kun kunnen maar mag me mee meer met mij mijn moet moeten na naar
            niet niets nieuw nieuwe nog nooit nu of om omdat onder ons onze ook op oud oude over staat steeds te
            toch toe tot u uit uw van veel vind vinden voor waar waarom wanneer want waren was wat we wel werd werkt
            wie wij wil willen worden zal ze zich zien zij zijn zo zonder zou""",
        "sv": """aldrig alla allt alltid att av bara blir de dem den denna det detta dig din dina dit du där efter ej
            eller en er ett finna finns från fungerar funkar få får för gamla gör ha han har hej hitta hittar hjälp
            hon hur här i igen inte ja jag kan kommer kunde man med men mer mig min mina mitt mot mycket måste ni nu
            ny nya nytt när någon något och ofta om oss på sig sin sitt ska skulle som så till upp ut utan vad var
            varför vem vet vi vid vilken vill vår än är åt över""",
    }.items()
}
