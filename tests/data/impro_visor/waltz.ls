(title A Made-Up Waltz (In Two))
(composer Nobody)
(show )
(year )
(comments )
(meter 3 4)
(key -2)
(tempo 90.0)
(volume 127)
(breakpoint 54)
(layout)
(style swing
    (swing 0.67)
    (chord-base c- e- g-)
)
(part
    (type chords)
    (title )
    (composer )
    (instrument 0)
    (volume 65)
    (key -2)
)


(section (style swing)) 

Gm7 | C7 / Bb7b9/D | 

(phrase (style)) 
/ NC F | 

(part
    (type melody)
    (title Head)
    (composer )
    (instrument 66)
    (volume 85)
    (key -2)
    (stave treble)
)
 bb-4+8 c+8 r4

 f#+8/3 g+8/3 ab++8/3 cb16 b#+16 r8 d--4

 e+2+4
(part
    (type melody)
    (title Chorus 2)
    (composer )
    (instrument 11)
    (volume 85)
    (key -2)
    (stave treble)
)
 r2+4 e16/5 e16/5 e16/5 e16/5 e16/5 r2

 g32 r32+16+8 r4+4
