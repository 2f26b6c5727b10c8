"""Which of FFmpeg's demuxers and decoders may touch a recording, and why the others may not.

Made from the lists of the library itself (`av.formats_available`, `av.codecs_available`; PyAV 14 to 18, FFmpeg 7.1 to
8.1). A test compares both lists with the installed library: a name that an upgrade brings stands on neither, and fails
it until someone decides. A name that a build lacks does no harm.

A demuxer is allowed when it can bring sound and opens nothing but the file that it is given. Whether it opens another
was read off FFmpeg's sources (every caller of `io_open`, `avio_open` and `ffurl_open` in libavformat) and its manual
("Demuxers", "Input Devices"). The decoder process could open nothing anyway (`decoder.confine`); the list keeps code
that is not needed away from strangers' bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

ALLOWED_DEMUXERS = frozenset(
    # Recorders, telephones, studios, film, broadcasting, the web
    "aa aac ac3 ac4 act aea aiff alaw amr amrnb amrwb apac ape aptx aptx_hd asf asf_o ast au avi avr bonk caf codec2 "
    "daud dfpwm dhav dsf dss dts dtshd dv eac3 epaf flac flv g722 g723_1 g728 g729 gsm gxf hcom hxvs iamf iff ifv "
    "ilbc ircam ivr kux laf lc3 live_flv lmlm4 loas luodat lvf lxf matroska webm mlp mmf mov mp4 m4a 3gp 3g2 mj2 mp3 "
    "mpc mpc8 mpeg mpegts mtv mulaw mxf mxg nistsphere nsp nsv nut nuv ogg oma osq pmp pva pvf qcp qoa r3d rka rm "
    "s337m sbc sds sdx shn sln smjpeg sox spdif swf tak truehd tta ty vivo voc vqf w64 wav wavarc wsd wtv wv wve xwma "
    # Games and their consoles
    "3dostr 4xm aax ace acm adp ads adx afc aix alp apc apm argo_asf argo_brp argo_cvg bethsoftvid bfi bfstm bink "
    "binka bit bmv boa brstm c93 cdxl dcstr derf dsicin dxa ea film_cpk fsb fwse gdv genh hca hnm idcin ipmovie iss "
    "jv kvag mca mm mods moflex msf mtaf musx mv mvi paf pp_bnk psxstr redspark rl2 roq rpl rsd rso scd sdns sdr2 sga "
    "siff simbiosis_imx smk smush sol svag svs thp tiertexseq tmv usm vag vividas vmd vpk wady wc3movie wsaud wsvqa xa "
    "xmd xmv xvag yop".split()
)
"""Demuxers, each alias by itself: FFmpeg's `matroska,webm` is two names here."""

DENIED_DEMUXERS: Mapping[str, frozenset[str]] = {
    reason: frozenset(names.split())
    for reason, names in {
        "a network protocol, or the description of a session on one": "rtp rtsp sap sdp msnwctcp",
        "a playlist: it opens the files and addresses that it names": "hls dash concat imf webm_dash_manifest",
        "opens other files beside its own": "image2 mlv vobsub",  # a numbered sequence; .M00, .M01 …; .idx opens .sub
        "a device of the machine, or a graph of filters, which may open any file": "alsa avfoundation "
        "bktr decklink dshow fbdev gdigrab iec61883 jack kmsgrab lavfi libcdio libdc1394 openal oss pulse sndio "
        "video4linux2 v4l2 vfwcap x11grab xcbgrab",
        "a script or a score, which is run or played, not a recording": "avisynth libgme libmodplug libopenmpt sbg "
        "vapoursynth",
        "raw samples: rate, channels and width stand nowhere": "codec2raw data f32be f32le f64be f64le g726 g726le "
        "s16be s16le s24be s24le s32be s32le s8 u16be u16le u24be u24le u32be u32le u8 vidc",
        "packets as they are, which no decoder takes": "mpegtsraw",
        "taken for a signature by files of other kinds": "ea_cdata",  # four bytes; a raw PCM recording may begin so
        "text, subtitles or captions": "aqtitle ass dvbsub dvbtxt ffmetadata jacosub lrc mcc microdvd mpl2 mpsub pjs "
        "rcwt realtext sami scc srt stl subviewer subviewer1 sup tedcaptions vplayer webvtt",
        "pictures or text art": "adf alias_pix apng bin bmp_pipe brender_pix cri_pipe dds_pipe dpx_pipe exr_pipe fits "
        "gem_pipe gif gif_pipe hdr_pipe ico idf image2pipe j2k_pipe jpeg_pipe jpegls_pipe jpegxl_anim jpegxl_pipe "
        "jpegxs_pipe msp pam_pipe pbm_pipe pcx_pipe pfm_pipe pgm_pipe pgmyuv_pipe pgx_pipe phm_pipe photocd_pipe "
        "pictor_pipe png_pipe ppm_pipe psd_pipe qdraw_pipe qoi_pipe sgi_pipe sunrast_pipe svg_pipe tiff_pipe tty txd "
        "vbn_pipe webp_pipe xbin xbm_pipe xpm_pipe xwd_pipe",
        "moving pictures without sound": "anm apv av1 avs avs2 avs3 bitpacked cavsvideo cdg cine dfa dirac dnxhd evc "
        "filmstrip flic frm h261 h263 h264 hevc ingenient ipu iv8 ivf m4v mgsts mjpeg mjpeg_2000 mpegvideo mpjpeg nc "
        "obu pdv rawvideo ser v210 v210x vc1 vc1test vvc yuv4mpegpipe",
    }.items()
}
"""By reason. Some are of builds for other systems, or with other libraries."""

ALLOWED_DECODERS = frozenset(
    # PCM and its relatives
    "pcm_alaw pcm_bluray pcm_dvd pcm_f16le pcm_f24le pcm_f32be pcm_f32le pcm_f64be pcm_f64le pcm_lxf pcm_mulaw "
    "pcm_s16be pcm_s16be_planar pcm_s16le pcm_s16le_planar pcm_s24be pcm_s24daud pcm_s24le pcm_s24le_planar pcm_s32be "
    "pcm_s32le pcm_s32le_planar pcm_s64be pcm_s64le pcm_s8 pcm_s8_planar pcm_sga pcm_u16be pcm_u16le pcm_u24be "
    "pcm_u24le pcm_u32be pcm_u32le pcm_u8 pcm_vidc s302m dsd_lsbf dsd_lsbf_planar dsd_msbf dsd_msbf_planar dst "
    "8svx_exp 8svx_fib cbd2_dpcm derf_dpcm gremlin_dpcm interplay_dpcm roq_dpcm sdx2_dpcm sol_dpcm wady_dpcm xan_dpcm "
    # ADPCM
    "adpcm_4xm adpcm_adx adpcm_afc adpcm_agm adpcm_aica adpcm_argo adpcm_ct adpcm_dtk adpcm_ea adpcm_ea_maxis_xa "
    "adpcm_ea_r1 adpcm_ea_r2 adpcm_ea_r3 adpcm_ea_xas adpcm_ima_acorn adpcm_ima_alp adpcm_ima_amv adpcm_ima_apc "
    "adpcm_ima_apm adpcm_ima_cunning adpcm_ima_dat4 adpcm_ima_dk3 adpcm_ima_dk4 adpcm_ima_ea_eacs adpcm_ima_ea_sead "
    "adpcm_ima_iss adpcm_ima_moflex adpcm_ima_mtf adpcm_ima_oki adpcm_ima_qt adpcm_ima_rad adpcm_ima_smjpeg "
    "adpcm_ima_ssi adpcm_ima_wav adpcm_ima_ws adpcm_ima_xbox adpcm_ms adpcm_mtaf adpcm_psx adpcm_sanyo adpcm_sbpro_2 "
    "adpcm_sbpro_3 adpcm_sbpro_4 adpcm_swf adpcm_thp adpcm_thp_le adpcm_vima adpcm_xa adpcm_xmd adpcm_yamaha "
    "adpcm_zork "
    # Telephony and speech
    "acelp.kelvin amrnb amrwb libopencore_amrnb libopencore_amrwb comfortnoise dss_sp evrc g722 g723_1 g726 g726le "
    "g728 g729 gsm gsm_ms ilbc libcodec2 libgsm libgsm_ms libilbc liblc3 libspeex misc4 msnsiren nellymoser qcelp "
    "real_144 real_288 sipr siren speex truespeech wmavoice "
    # Music, film, broadcasting
    "aac aac_fixed aac_latm libfdk_aac ac3 ac3_fixed alac als apac ape aptx aptx_hd atrac1 atrac3 atrac3al atrac3plus "
    "atrac3plusal atrac9 bonk cook dca dfpwm dolby_e dvaudio eac3 flac ftr hca iac imc libopus libvorbis mace3 mace6 "
    "metasound mlp mp1 mp1float mp2 mp2float mp3 mp3adu mp3adufloat mp3float mp3on4 mp3on4float mpc7 mpc8 on2avc opus "
    "osq qdm2 qdmc qoa ralf rka sbc shorten sonic tak truehd tta twinvq vorbis wavarc wavpack wmalossless wmapro wmav1 "
    "wmav2 xma1 xma2 "
    # Games
    "binkaudio_dct binkaudio_rdft bmv_audio dsicinaudio fastaudio hcom interplayacm paf_audio smackaud vmdaudio "
    "ws_snd1".split()
)
"""Decoders of sound. Those of pictures and subtitles never run: not one is named here."""

DENIED_DECODERS: Mapping[str, frozenset[str]] = {
    "makes sound up, for FFmpeg's own tests": frozenset({"anull", "wavesynth"}),
    "hands the bytes to a library or service of macOS or Android; FFmpeg's own decodes the same": frozenset(
        "aac_at ac3_at adpcm_ima_qt_at alac_at amr_nb_at eac3_at gsm_ms_at ilbc_at mp1_at mp2_at mp3_at pcm_alaw_at "
        "pcm_mulaw_at qdm2_at qdmc_at aac_mediacodec amrnb_mediacodec amrwb_mediacodec mp3_mediacodec".split()
    ),
}
"""Decoders of sound, by reason."""

DEMUXER_WHITELIST = ",".join(sorted(ALLOWED_DEMUXERS))
"""FFmpeg's `format_whitelist`."""

DECODER_WHITELIST = ",".join(sorted(ALLOWED_DECODERS))
"""FFmpeg's `codec_whitelist`, which holds while it looks for streams, too."""
