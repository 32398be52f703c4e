"""Conversations in other languages than English, and how people sign and greet in them.

Same shape as stories.ENGLISH; the shop answers in the customer's language where someone speaks it.
"""

from __future__ import annotations

from simulator.world.stories import C, S, Story

STORIES: dict[str, tuple[Story, ...]] = {
    "vi": (
        Story(
            "service",
            ("Đặt lịch bảo dưỡng xe", "Hỏi về xe đạp của con trai"),
            (
                (
                    C,
                    (
                        "Chào shop, em muốn đặt lịch sửa xe vào {day} được không ạ?",
                        "Anh chị ơi, phanh sau của xe em kêu to quá, mang qua hôm nay được không?",
                        "Cho em hỏi đơn hàng {order} đã về chưa ạ?",
                    ),
                ),
                (
                    S,
                    (
                        "Chào {first}, {time} {day} còn chỗ nhé. Giá khoảng ${price}.",
                        "Dạ được, bạn mang xe qua {address} trước {time} nha.",
                    ),
                ),
                (
                    C,
                    (
                        "Dạ em cảm ơn shop nhiều ạ 🙏",
                        "Vâng, mai em qua. Nhờ shop xem giúp cả dây xích luôn nhé.",
                        "Ok shop, hẹn gặp!",
                    ),
                ),
                (
                    S,
                    (
                        "Xe xong rồi nhé {first}, tổng cộng ${more}. Shop mở cửa tới 5 giờ rưỡi.",
                        "[photo]Bố thắng mòn hết rồi, em xem hình nhé. Thay luôn không?",
                    ),
                ),
                (C, ("Thay giúp em luôn ạ.", "Tuyệt quá, chiều em ghé lấy 🚲")),
            ),
        ),
    ),
    "ar": (
        Story(
            "order",
            ("استفسار عن الطلب {order}", "موعد صيانة الدراجة"),
            (
                (
                    C,
                    (
                        "السلام عليكم، هل وصل الطلب رقم {order}؟",
                        "مرحبا، أريد حجز موعد لصيانة الدراجة يوم {day} إن أمكن.",
                        "مساء الخير، هل الخيمة متوفرة باللون الأخضر؟",
                    ),
                ),
                (
                    S,
                    (
                        "وعليكم السلام {first}، نعم وصل أمس. المحل مفتوح حتى 5:30 مساءً.",
                        "أهلاً {first}، الموعد متاح الساعة {time}. التكلفة ${price}.",
                    ),
                ),
                (
                    C,
                    (
                        "شكراً جزيلاً، سأمر عليكم غداً إن شاء الله 🌹",
                        "ممتاز، وهل يمكن الدفع بالبطاقة؟",
                        "تمام، بارك الله فيكم.",
                    ),
                ),
                (
                    S,
                    (
                        "بالتأكيد، بالبطاقة أو نقداً.",
                        "[pdf]الفاتورة مرفقة، رقم {order}. نراك قريباً!",
                    ),
                ),
                (C, ("وصلت الفاتورة، شكراً لكم.", "الدراجة ممتازة الآن، ألف شكر 👍🏽")),
            ),
        ),
    ),
    "zh": (
        Story(
            "order",
            ("订单 {order} 的问题", "想预约{day}保养自行车"),
            (
                (
                    C,
                    (
                        "你好，请问订单{order}到货了吗？",
                        "您好，我想预约{day}给自行车做保养，请问还有位置吗？",
                        "老板，后轮一直有响声，今天可以拿过来看看吗？",
                    ),
                ),
                (
                    S,
                    (
                        "{first}您好，已经到了，营业到下午5点半。",
                        "可以的，{time}来吧，大概${price}。",
                        "没问题，直接带过来就行。",
                    ),
                ),
                (
                    C,
                    (
                        "好的，谢谢！我下班过去拿。",
                        "太好了👍 可以刷卡吗？",
                        "麻烦再帮我看看刹车，谢谢。",
                    ),
                ),
                (
                    S,
                    (
                        "[photo]刹车片磨得差不多了，照片在这里，换一副要${more}，换吗？",
                        "可以刷卡，发票也可以开。",
                    ),
                ),
                (C, ("换吧，谢谢师傅。", "骑回家感觉像新车一样😄", "明白了，周末见。")),
            ),
        ),
    ),
    "hi": (
        Story(
            "service",
            ("साइकिल की सर्विस", "ऑर्डर {order} के बारे में"),
            (
                (
                    C,
                    (
                        "नमस्ते, क्या {day} को साइकिल की सर्विस हो सकती है?",
                        "भैया, मेरा ऑर्डर {order} कब तक आएगा?",
                        "नमस्ते जी, बच्चों का हेलमेट आपके पास मिलेगा क्या?",
                    ),
                ),
                (
                    S,
                    (
                        "नमस्ते {first} जी, {time} बजे ले आइए। लगभग ${price} लगेंगे।",
                        "जी हाँ, कल तक आ जाएगा। दुकान 5:30 तक खुली है।",
                    ),
                ),
                (C, ("बहुत धन्यवाद 🙏", "ठीक है, शाम को आता हूँ।", "क्या UPI चलेगा? 😄 नहीं तो कार्ड से।")),
                (S, ("कार्ड चलेगा। आपकी साइकिल तैयार है!", "[photo]नया चेन लगा दिया है, फोटो देखिए।")),
                (C, ("वाह, बढ़िया काम! शुक्रिया।", "पत्नी लेने आएगी, नाम {name}।")),
            ),
        ),
    ),
    "el": (
        Story(
            "advice",
            ("Ερώτηση για το ποδήλατο", "Παραγγελία {order}"),
            (
                (
                    C,
                    (
                        "Καλημέρα σας, μήπως ήρθε η παραγγελία {order};",
                        "Γεια σας, θα ήθελα ένα ραντεβού για σέρβις την {day}.",
                        "Καλησπέρα! Ποια σκηνή προτείνετε για δύο άτομα και έναν μεγάλο σκύλο;",
                    ),
                ),
                (
                    S,
                    (
                        "Καλημέρα {first}, ναι, ήρθε χθες. Είμαστε ανοιχτά μέχρι τις 5.30.",
                        "Βεβαίως, στις {time}. Κοστίζει περίπου ${price}.",
                    ),
                ),
                (
                    C,
                    (
                        "Ευχαριστώ πολύ!",
                        "Τέλεια, θα περάσω αύριο το πρωί.",
                        "Να φέρω και της γυναίκας μου; Θέλει φρένα 😅",
                    ),
                ),
                (S, ("Φέρτε τα και τα δύο, κάνουμε καλύτερη τιμή.", "Έτοιμο! Σας περιμένουμε.")),
                (C, ("Να είστε καλά.", "Άψογη δουλειά, ευχαριστώ.")),
            ),
        ),
    ),
    "it": (
        Story(
            "service",
            ("Preventivo per la bici", "Ordine {order}: è arrivato?"),
            (
                (
                    C,
                    (
                        "Buongiorno, vorrei prenotare il tagliando per {day}. È possibile?",
                        "Ciao ragazzi, è arrivato l'ordine {order}?",
                        "Buonasera, il cambio salta di nuovo. Così non si può più andare avanti…",
                    ),
                ),
                (
                    S,
                    (
                        "Buongiorno {first}, sì, alle {time}. Costa circa ${price}.",
                        "Ciao {first}! È arrivato ieri, ti aspettiamo.",
                    ),
                ),
                (
                    C,
                    (
                        "Perfetto, grazie mille!",
                        "Ottimo, passo sabato con mio figlio. Avete anche caschi più piccoli?",
                        "Va bene, però fatemi sapere prima se serve di più.",
                    ),
                ),
                (
                    S,
                    (
                        "Certo, ti chiamiamo prima.",
                        "[pdf]Ecco il preventivo in allegato: ${more} tutto compreso.",
                    ),
                ),
                (
                    C,
                    (
                        "Procedete pure. È un piacere avere a che fare con voi.",
                        "Grazie, la bici è perfetta!",
                    ),
                ),
            ),
        ),
    ),
    "ja": (
        Story(
            "order",
            ("ご注文{order}について", "自転車の修理の予約"),
            (
                (
                    C,
                    (
                        "こんにちは。注文{order}はもう届きましたか？",
                        "お世話になっております。{day}に自転車の点検をお願いしたいのですが。",
                        "テントの在庫はありますか？色は緑がいいです。",
                    ),
                ),
                (
                    S,
                    (
                        "{first}様、昨日届きました。5時半まで開いています。",
                        "{time}にお越しください。料金は${price}ほどです。",
                    ),
                ),
                (
                    C,
                    (
                        "ありがとうございます。明日伺います。",
                        "承知しました。よろしくお願いいたします。",
                        "助かります！",
                    ),
                ),
                (S, ("お待ちしております。", "修理が終わりました。合計${more}です。")),
                (C, ("とても乗りやすくなりました。ありがとうございました。",)),
            ),
        ),
    ),
}

GREETINGS = {
    "en": (
        "Hi {staff},",
        "Hello,",
        "Hi all,",
        "Dear team,",
        "Hey,",
        "Good morning,",
        "Hi there,",
        "",
    ),
    "vi": ("Chào shop,", "Kính gửi quý cửa hàng,"),
    "ar": ("السلام عليكم،", "تحية طيبة،"),
    "zh": ("您好：", "你好，"),
    "hi": ("नमस्ते,", "आदरणीय {staff} जी,"),
    "el": ("Καλημέρα σας,", "Αγαπητοί,"),
    "it": ("Buongiorno,", "Gentile {staff},"),
    "ja": ("お世話になっております。", "サルトブッシュ 御中"),
}
# A text that begins so needs no other greeting above it.
OPENERS = (
    *(
        "Hi",
        "Hello",
        "Hey",
        "G'day",
        "Good day",
        "Dear",
        "Chào",
        "Anh chị",
        "Dạ",
        "السلام",
        "وعليكم",
    ),
    *(
        "مرحبا",
        "مساء",
        "أهلاً",
        "你好",
        "您好",
        "老板",
        "नमस्ते",
        "भैया",
        "Καλημέρα",
        "Γεια",
        "Καλησπέρα",
    ),
    *("Buongiorno", "Ciao", "Buonasera", "こんにちは", "お世話"),
)
FAREWELLS = {
    "en": (
        "Cheers,\n{first}",
        "Thanks,\n{first}",
        "Kind regards\n{name}",
        "{first}",
        "Best,\n{first}",
        "Many thanks\n{name}",
    ),
    "vi": ("Trân trọng,\n{name}", "Cảm ơn,\n{first}"),
    "ar": ("مع التحية،\n{name}", "شكراً\n{first}"),
    "zh": ("谢谢！\n{name}", "此致\n敬礼\n{name}"),
    "hi": ("धन्यवाद,\n{name}",),
    "el": ("Με εκτίμηση,\n{name}", "Ευχαριστώ,\n{first}"),
    "it": ("Cordiali saluti\n{name}", "Grazie,\n{first}"),
    "ja": ("よろしくお願いいたします。\n{name}",),
}
SHOP_GREETINGS = ("Hi {first},", "Hello {first},", "Dear {name},", "G'day {first},", "Hi {first}!")
SHOP_FAREWELLS = (
    "Cheers,\n{staff}\n-- \n{shop}\n{address}\nText us: 0491 570 156",
    "Kind regards\n\n{staff} | {shop}\n{address} | Mon to Sat 8 to 5.30",
    "{staff}\n--\n{shop}, bikes and boots since 1987",
)
